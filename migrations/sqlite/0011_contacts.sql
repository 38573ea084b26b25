-- What a contact may receive depends on who added it, when, and whether it has answered a code. A contact of before keeps
-- the time at which it was added, so the upgrade gives it no right: what a member added had answered a code then, what an
-- administrator added had not. Whether the member's session had been opened by a code was not recorded, so it was not.

alter table contact add column added_as text not null default 'administrator';
alter table contact add column added_by_name text not null default '';
alter table contact add column answered_at integer;
update contact set added_as = 'member', answered_at = added_at where added_by = member_id;
-- The name stands in texts; of administrators in another directory none is known here.
update contact set added_by_name =
    coalesce((select member.name from member where member.member_id = contact.added_by), 'an administrator');

-- true once a code has opened the session
alter table session add column is_proven integer not null default 0;
-- the added contact that the last code went to: the right code proves that it works
alter table session add column code_to text;

-- S41: keyed digests of where the password and the copy went, and of every address that was typed and tried. The addresses
-- themselves are erased when a reset is finished, and masks are too coarse.
alter table reset add column destination_digest text;
alter table reset add column copy_digest text;
alter table reset add column typed_digests text;

-- When administrators added contacts in the last day, for their limit.
create table contact_command (
    admin_id text not null,
    noted_at integer not null,
    -- two may come in one millisecond
    reference text not null,
    primary key (admin_id, noted_at, reference)
) strict, without rowid;

-- The contacts that the directory had when a card of the member was made last, as keyed digests, and when they were first
-- seen to differ from those before.
create table contact_seen (
    member_id text not null,
    channel text not null,
    digest text not null,
    seen_at integer not null,
    differs_since integer,
    earlier_seen_at integer,
    primary key (member_id, channel)
) strict, without rowid;

-- A code that an administrator sends to an added contact, and takes from the member.
create table contact_check (
    check_id text primary key not null,
    member_id text not null,
    channel text not null,
    address text not null,
    admin_id text not null,
    platform text not null,
    tenant text not null,
    chat_user text not null,
    member_name text not null,
    member_email text not null,
    expires_at integer not null,
    -- where the answer goes: sealed
    reply text,
    reply_until integer,
    code_digest text,
    code_sent_at integer,
    code_tries integer not null
) strict, without rowid;

create index contact_check_age on contact_check (expires_at);
