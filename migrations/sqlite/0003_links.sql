-- One-time links: what the delivery of a reset carries, and when its link was used. The link itself is made from the id
-- with our own key and stands nowhere, so that nobody who reads the record can follow it.

alter table reset add column carries text not null default 'password';
alter table reset add column link_used_at integer;
