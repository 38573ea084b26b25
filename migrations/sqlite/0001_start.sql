-- The record: members of the built-in directory, links of chat accounts, resets with their steps and slots,
-- replay keys and the audit. Times are Unix milliseconds.

create table member (
    member_id text primary key not null,
    name text not null,
    business_email text not null,
    business_email_key text not null unique,
    login_method text not null,
    status text not null,
    phone text,
    personal_email text,
    role text not null,
    department text,
    manager_email text,
    credential text,
    credential_set_at integer,
    -- set while the password is one that a reset made
    temporary_until integer,
    -- set by failed sign-ins, lifted by a reset
    locked_at integer,
    -- a session that began earlier is no longer valid
    signed_out_at integer
) strict, without rowid;

create table link (
    platform text not null,
    chat_user text not null,
    business_email_key text not null,
    linked_at integer not null,
    primary key (platform, chat_user)
) strict, without rowid;

-- Rows lie in order of arrival, because ids are random: a batch then dirties few pages.
create table reset (
    reset_id text primary key not null,
    platform text not null,
    tenant text not null,
    chat_user text not null,
    admin_id text not null,
    admin_name text not null,
    admin_email text not null,
    member_id text not null,
    member_name text not null,
    member_email text not null,
    -- the member's chat account, where they were named by a mention
    member_chat_user text,
    reason text,
    state text not null,
    -- how often a way was chosen or taken back: the confirming button names what was seen
    edition integer not null,
    delivery text,
    -- the full address, erased as soon as the reset is finished
    destination text,
    destination_mask text,
    -- the address was typed, it is not the one on record
    is_typed integer not null,
    copy_to_self text,
    copy_address text,
    also_show integer not null,
    reachable_at integer,
    -- where follow-ups go: sealed, erased when it expires
    reply text,
    reply_until integer,
    -- the process at work, and when it has surely given up
    owner text,
    deadline_at integer,
    failure text,
    offered_at integer not null,
    expires_at integer not null,
    claimed_at integer,
    changing_at integer,
    changed_at integer,
    delivering_at integer,
    finished_at integer,
    told_at integer,
    -- when a message that shows the password is to be replaced
    hide_at integer
) strict;

create unique index reset_at_work on reset (member_id) where state in ('claimed', 'changing', 'changed', 'delivering');
create index reset_offered on reset (member_id) where state = 'offered';
create index reset_undelivered on reset (member_id) where state = 'undelivered' and finished_at is null;
create index reset_changed on reset (member_id, changed_at) where changed_at is not null;
create index reset_untold on reset (admin_id) where told_at is null and claimed_at is not null;
create index reset_expiring on reset (expires_at) where state = 'offered';
create index reset_hiding on reset (hide_at) where hide_at is not null;
create index reset_replying on reset (reply_until) where reply_until is not null;
create index reset_claimed on reset (claimed_at) where claimed_at is not null;

create table step (
    reset_id text not null,
    step text not null,
    outcome text not null,
    detail text,
    noted_at integer not null,
    primary key (reset_id, step)
) strict, without rowid;

create index step_pending on step (noted_at) where outcome = 'pending';

-- The key begins with person and time, so that a long history costs a look-up nothing.
create table slot (
    person_id text not null,
    taken_at integer not null,
    reset_id text not null,
    returned_at integer,
    primary key (person_id, taken_at, reset_id)
) strict, without rowid;

-- Keys begin with the time that was signed, where the platform signs one: new ones lie side by side.
create table replay_key (
    replay_key text primary key not null,
    seen_at integer not null
) strict, without rowid;

create table audit (
    seq integer primary key autoincrement,
    noted_at integer not null,
    event text not null,
    outcome text not null,
    reference text,
    platform text,
    tenant text,
    chat_user text,
    admin_id text,
    member_id text,
    reset_id text,
    detail text
) strict;

create index audit_age on audit (noted_at);
