-- Cards that nobody confirmed are deleted after a week, and are found without reading the resets that stay. A card has its
-- entry only once it is closed.
create index reset_unconfirmed on reset (finished_at) where claimed_at is null and finished_at is not null;

-- Links follow a member whose address changes. Without it an import that moves many read all links for each of them.
create index link_of_person on link (business_email_key);
