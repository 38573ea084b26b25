-- When codes were sent to a member in the last hour, as Unix milliseconds with commas: a session knows its last one only.
alter table member add column codes_sent text;

-- Two administrators may vouch for the same contact; whose reset it is decides whose word counts.
create table vouched (
    member_id text not null,
    channel text not null,
    address text not null,
    added_by text not null,
    added_at integer not null,
    primary key (member_id, channel, address, added_by)
) strict, without rowid;

insert into vouched select member_id, channel, address, added_by, added_at from contact;
drop table contact;
alter table vouched rename to contact;

-- S41: where the administrator's copy went, so that no code follows it.
alter table reset add column copy_mask text;
