-- What was seen before the database knew its key may be of another key, so it tells nothing about the contact.
update contact_seen set key_fingerprint = null
where seen_at < (select noted_at from key_fingerprint);
