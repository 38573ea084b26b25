-- Whatever is decided about an account sees the sessions of its member that may still stand; those that ended are kept for
-- a week, and are passed by.
drop index session_of_member;
create index session_standing on session (member_id, expires_at) where ended_at is null;
