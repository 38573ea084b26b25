-- Which key made the digest of a seen contact: one that another key made tells nothing about the contact. What was seen
-- before the database knew its key may be of another one.
alter table contact_seen add column key_fingerprint text;
update contact_seen set key_fingerprint = (
    select fingerprint from key_fingerprint where noted_at <= contact_seen.seen_at
);
