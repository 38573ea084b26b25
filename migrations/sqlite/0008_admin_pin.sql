-- Which entry of a directory each address of the list of administrators stands for. An address alone gives no right: a
-- member may be able to write it into their own entry, and it may be given to somebody new. An existing database has no
-- pins: the next start makes them, and tells the security address.
create table admin_pin (
    email_key text primary key not null,
    -- the directory's immutable id; null where the address found nobody, or several, when it was first looked up
    member_id text,
    -- as the entry was called then
    member_name text,
    -- by what it was pinned
    how text not null,
    noted_at integer not null,
    -- when the security address was told of it
    told_at integer,
    -- what was last wrong with the address, so that the same is not told with every command
    alarm text,
    alarmed_at integer,
    alarm_told_at integer
) strict, without rowid;
