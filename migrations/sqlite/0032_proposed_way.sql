-- The way that an administrator is asked about once more after a failed delivery, before the password goes out by it. The
-- address is erased when the way is used or given up, and when the reset is finished.
alter table reset add column proposed text;
alter table reset add column proposed_to text;
alter table reset add column is_proposed_typed integer not null default 0;
