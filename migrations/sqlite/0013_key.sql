-- Which key file belongs to this database: a digest that says nothing about the key. Sealed addresses, links and buttons
-- of one key mean nothing to another, so the database is not served with another one. A database without a row, such as
-- that of an earlier version, takes the key that it is first served with.

create table key_fingerprint (
    -- there is one at most
    place integer primary key not null check (place = 1),
    fingerprint text not null,
    noted_at integer not null
) strict;
