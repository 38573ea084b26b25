-- Names of resets begin with their time from now on, so that rows and the index of their names lie in order of arrival.

-- A newer card of the same administrator for the same member takes the place of the older: found without reading the
-- cards of other administrators.
drop index reset_offered;
create index reset_offered on reset (member_id, admin_id) where state = 'offered';

-- Resets of one member begin in the order in which they end, so the newest of both is found in reset_of_member; every
-- index less is a page less that each move of a reset writes.
drop index reset_changed;

-- Lines of the audit come in the order of time: what is kept long enough is found from its beginning.
drop index audit_age;
