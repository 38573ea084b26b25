-- Which card a newer one replaces is found here again. The memory of the one `serve` knew it before, which a second process
-- could not see.
create index reset_offered on reset (admin_id, member_id) where state = 'offered';
