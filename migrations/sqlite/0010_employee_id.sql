-- The number that the organisation knows a member by. Addresses are given to other people, numbers are not: the import
-- tells by it who is a new person. It is null until an import brings one, so that nobody becomes a new person by the upgrade.
alter table member add column employee_id text;
create unique index member_employee on member (employee_id) where employee_id is not null;
