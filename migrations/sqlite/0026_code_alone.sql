-- A code in place of the password. An older database has none of it.

-- Since when the phone and the private e-mail of a member are what they are; none where no import has changed them. A code
-- alone does not go to a contact that was changed a short time ago.
alter table member add column phone_since integer;
alter table member add column personal_email_since integer;
-- Imports before this noted no more than a masked line of the audit. Only the mask of an e-mail has an @.
update member set phone_since = changed.at
    from (
        select member_id, max(noted_at) as at from audit
        where event = 'contact' and outcome = 'changed_by_import' and detail not like '%@%'
        group by member_id
    ) as changed
    where changed.member_id = member.member_id;
update member set personal_email_since = changed.at
    from (
        select member_id, max(noted_at) as at from audit
        where event = 'contact' and outcome = 'changed_by_import' and detail like '%@%'
        group by member_id
    ) as changed
    where changed.member_id = member.member_id;
-- Wrong codes of browsers that the account does not know, at sign-ins by a code alone.
alter table member add column wrong_sign_in_codes integer not null default 0;
-- When the last of them was typed, and when the audit was last told of one, and of why no code was sent.
alter table member add column wrong_sign_in_code_at integer;
alter table member add column wrong_code_noted_at integer;
alter table member add column code_denied_at integer;

-- What the last code of a session is for, and to whom it went, as a keyed digest.
alter table session add column code_purpose text;
alter table session add column code_to_digest text;

-- Sign-ins by a code alone. An address that no code can open has its row too, so that nothing tells it from the others.
create table code_sign_in (
    -- the digest of the browser's cookie
    sign_in_key text primary key not null,
    began_at integer not null,
    expires_at integer not null,
    -- whose code was made, and for which of their known browsers
    member_id text,
    device_key text,
    to_digest text,
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
    -- where the code had gone, as a keyed digest, and the fingerprint of the key
    to_digest text,
    to_key text not null,
    -- when the contacts are told, or told again, and the keyed digests of those who were, with spaces
    tell_at integer,
    told text not null,
    disowned_at integer,
    -- when "this wasn't me" about this one or a later one closed the account
    closed_at integer
) strict, without rowid;

create index code_use_of_member on code_use (member_id, disowned_at);
create index code_use_to_tell on code_use (tell_at) where tell_at is not null;
create index code_use_age on code_use (used_at);

-- When the guide was sent instead of a reset: one an hour for each member.
alter table reset add column guided_at integer;
create index reset_guided on reset (member_id, guided_at) where guided_at is not null;
