-- Since when the directory has the contact that was seen last; empty for one that was seen before this. A typed address counts
-- as chosen from the record only if it was there before the card.
alter table contact_seen add column since integer;

-- When another administrator was asked to add a contact for the member of this card: each card asks once.
alter table reset add column contact_asked_at integer;

-- The few members who may reset others are found without reading all.
create index member_of_role on member (role);
