-- "This wasn't me" is heard by everybody whom it concerns, after a restart too. What a member said of a reset: when, when
-- its alarm goes out next by e-mail (null once all have it), and the keyed digests of those who have it, with spaces.
create table not_me (
    reset_id text primary key not null,
    said_at integer not null,
    send_at integer,
    told text not null
) strict, without rowid;

create index not_me_said on not_me (said_at);
create index not_me_sending on not_me (send_at) where send_at is not null;

-- which administrators have heard it in chat
create table not_me_heard (
    reset_id text not null,
    person_id text not null,
    heard_at integer not null,
    primary key (reset_id, person_id)
) strict, without rowid;

-- What was said before has gone out, and nobody can say who heard it.
insert into not_me select reset_id, disowned_at, null, '' from reset where disowned_at is not null;

-- Who gets the alarm: found without reading the other members.
create index member_primary on member (role) where role = 'primary_admin';

-- The reason that was given for a reset.
alter table audit add column reason text;

-- Lines that `log` and `relatch resets --refused` show: "refused" or "contact". They say who it was by name, because ids
-- say nothing to people.
alter table audit add column log_line text;
alter table audit add column admin_name text;
alter table audit add column admin_email text;
alter table audit add column member_name text;
alter table audit add column member_email text;

-- Of the lines from before, those that surely are such ones. Names are taken from the reset, or from the member.
update audit set log_line = 'contact'
    where event = 'contact' and outcome in ('added', 'added_by_operator');
update audit set log_line = 'refused'
    where event in ('click', 'confirm', 'deliver_again') and outcome not in ('done', 'claimed', 'delivering', 'stale', 'overtaken',
            'directory_down', 'directory_misconfigured', 'chat_unavailable', 'store_down')
        or event = 'command' and outcome not in ('offered', 'unclear', 'group_mention', 'bare_name', 'no_member', 'several',
            'directory_down', 'directory_misconfigured', 'chat_unavailable', 'store_down');
update audit set
    admin_name = (select reset.admin_name from reset where reset.reset_id = audit.reset_id),
    admin_email = (select reset.admin_email from reset where reset.reset_id = audit.reset_id),
    member_name = (select reset.member_name from reset where reset.reset_id = audit.reset_id),
    member_email = (select reset.member_email from reset where reset.reset_id = audit.reset_id)
    where log_line is not null and reset_id is not null and outcome <> 'not_yours';
update audit set
    admin_name = coalesce(admin_name, (select member.name from member where member.member_id = audit.admin_id)),
    admin_email = coalesce(admin_email, (select member.business_email from member where member.member_id = audit.admin_id)),
    member_name = coalesce(member_name, (select member.name from member where member.member_id = audit.member_id)),
    member_email = coalesce(member_email, (select member.business_email from member where member.member_id = audit.member_id))
    where log_line is not null;

create index audit_log_line on audit (log_line) where log_line is not null;
create index audit_log_line_admin on audit (log_line, admin_id) where log_line is not null;
create index audit_log_line_member on audit (log_line, member_id) where log_line is not null;
