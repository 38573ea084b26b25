-- From when on a contact that another administrator adds counts at once for this card; empty where that is since the card.
-- A card keeps this time from an earlier one of the same administrator for the same member.
alter table reset add column contacts_since integer;

-- When the question for a contact had reached another administrator. One that began and has no such time may have reached
-- nobody, so it can be asked again.
alter table reset add column contact_sent_at integer;
update reset set contact_sent_at = contact_asked_at;

create index reset_contact_asked on reset (member_id, admin_id) where contact_asked_at is not null;
