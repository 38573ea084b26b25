-- A newer card of the same administrator for the same member takes the place of the older: found without reading the
-- cards of other administrators.
drop index reset_offered;
create index reset_offered on reset (member_id, admin_id) where state = 'offered';
