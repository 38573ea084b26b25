-- An alarm about an administrator's address is told again only when other entries have it: by name and wording whoever
-- renames themselves could have one told at each command. And only a few are told in a day.
-- the immutable ids, or the names in the directory, of the entries
alter table admin_pin add column alarm_about text;
-- how many were noted since when
alter table admin_pin add column alarm_count integer not null default 0;
alter table admin_pin add column alarm_since integer;
