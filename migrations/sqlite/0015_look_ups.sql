-- Which reset of the same member an administrator was told of when their last look was drawn: another one since then makes
-- that last look out of date. Cards of before have none; there the time of the card decides.
alter table reset add column seen_reset_id text;

-- What each administrator tried in the last day: look-ups of members and refusals are limited. The key begins with person
-- and time, so that a long history costs a command nothing.
create table look_up (
    person_id text not null,
    looked_at integer not null,
    -- the request, so that the same bytes count once
    replay_key text not null,
    -- look_up, refused_look_up, refused_click
    tried text not null,
    primary key (person_id, looked_at, replay_key)
) strict, without rowid;
