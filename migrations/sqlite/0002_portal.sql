-- The member's pages: sessions, with the code that opens them. A session is kept under the digest of its cookie.

create table session (
    session_key text primary key not null,
    member_id text not null,
    -- code, new_password, open
    stage text not null,
    began_at integer not null,
    expires_at integer not null,
    ended_at integer,
    -- what the browser calls itself, for the member to recognise it
    agent text,
    -- the code that was sent last: a keyed digest, where it went, and how often it may still be typed
    code_digest text,
    code_mask text,
    code_sent_at integer,
    code_tries integer not null
) strict, without rowid;

create index session_of_member on session (member_id, began_at);

alter table member add column failed_sign_ins integer not null default 0;

-- when the member said "this wasn't me"
alter table reset add column disowned_at integer;

-- contacts that were added for codes, beside those that the import brought
create table contact (
    member_id text not null,
    channel text not null,
    address text not null,
    added_by text not null,
    added_at integer not null,
    primary key (member_id, channel, address)
) strict, without rowid;

create index reset_of_member on reset (member_id, changing_at) where changing_at is not null;
