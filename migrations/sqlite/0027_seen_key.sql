-- Which key made the digest of a seen contact: one that another key made tells nothing about the contact. A database that
-- knows its key was served with no other one.
alter table contact_seen add column key_fingerprint text;
update contact_seen set key_fingerprint = (select fingerprint from key_fingerprint);
