-- The chat accounts of a person are found by their e-mail: where roles come from the chat, the role of any of these
-- accounts protects the person.
create index link_email on link (business_email_key);
