-- How each contact of a member took the notice of a reset, while one of them is still to be asked again: only that one is.
create table notice (
    reset_id text not null,
    -- a keyed digest of the address
    recipient text not null,
    outcome text not null,
    noted_at integer not null,
    primary key (reset_id, recipient)
) strict, without rowid;
