-- What can still set a password after a reset. A link that the directory was told to send: until when it works, and when the
-- directory confirmed that it was sent. The index finds the one of a member that works longest.
alter table reset add column own_link_until integer;
alter table reset add column own_link_sent_at integer;
create index reset_own_link on reset (member_id, own_link_until) where own_link_until is not null;

-- What the directory's own sign-in asks for beside the password.
alter table reset add column second_factors text;

-- When the password of a reset was set, by the directory's clock; when relatch looks next whether it was set again; and when
-- that was.
alter table reset add column password_set_at integer;
alter table reset add column look_at integer;
alter table reset add column set_again_at integer;
create index reset_looking on reset (look_at) where look_at is not null;
