-- A code in place of the password. An older database has none of it.

-- Since when the phone and the private e-mail of a member are what they are; none where no import has changed them. A code
-- alone does not go to a contact that was changed a short time ago.
alter table member add column phone_since integer;
alter table member add column personal_email_since integer;
-- Wrong codes of browsers that the account does not know, at sign-ins by a code alone.
alter table member add column wrong_sign_in_codes integer not null default 0;

-- Sign-ins by a code alone. An address that no code can open has its row too, so that nothing tells it from the others.
create table code_sign_in (
    -- the digest of the browser's cookie
    sign_in_key text primary key not null,
    began_at integer not null,
    expires_at integer not null,
    -- whose code was made, and for which of their known browsers
    member_id text,
    device_key text,
    code_digest text,
    code_sent_at integer,
    code_tries integer not null,
    ended_at integer
) strict, without rowid;

create index code_sign_in_sent on code_sign_in (member_id, code_sent_at) where code_sent_at is not null;

-- A code that took the place of the password: the member's contacts are told of it, and can say that it was not them.
create table code_use (
    use_id text primary key not null,
    member_id text not null,
    used_at integer not null,
    kind text not null,
    -- when the contacts are told, or told again
    tell_at integer,
    disowned_at integer
) strict, without rowid;

create index code_use_of_member on code_use (member_id, disowned_at);
create index code_use_to_tell on code_use (tell_at) where tell_at is not null;
create index code_use_age on code_use (used_at);

-- When the guide was sent instead of a reset: one an hour for each member.
alter table reset add column guided_at integer;
create index reset_guided on reset (member_id, guided_at) where guided_at is not null;
