-- Guessing passwords must not shut members out: a browser that signed in before has a budget of its own, and a lock says
-- what caused it, because only a lock after wrong passwords opens by the right password and a code.

-- browsers that signed in to an account before, under the digest of their cookie
create table device (
    device_key text primary key not null,
    member_id text not null,
    began_at integer not null,
    expires_at integer not null,
    -- since it signed in last
    failed_tries integer not null default 0
) strict, without rowid;

create index device_of_member on device (member_id, began_at);

-- passwords, codes, or member ("this wasn't me")
alter table member add column locked_by text;
-- Wrong codes since the last right one. They were counted together with wrong passwords, of which there may be more now.
alter table member add column wrong_codes integer not null default 0;

-- Who is locked stays locked, and nobody else is. What cannot be told for sure counts as the stricter reason.
update member set locked_by = case
        when exists (select 1 from reset where reset.member_id = member.member_id
            and reset.changing_at is not null and reset.disowned_at = member.locked_at) then 'member'
        when (member.member_id, member.locked_at) in (select audit.member_id, audit.noted_at from audit
            where audit.event = 'sign_in' and audit.outcome = 'locked') then 'passwords'
        else 'codes' end
    where locked_at is not null;
update member set wrong_codes = failed_sign_ins where locked_by is null or locked_by <> 'passwords';

-- The cookie of a session has another name from now on. These sessions began under the old name, which stays good for them.
alter table session add column has_old_cookie integer not null default 0;
update session set has_old_cookie = 1;
