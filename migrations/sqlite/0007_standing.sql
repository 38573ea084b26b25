-- Which card a newer one replaces, `serve` knows in memory. The entries of this index came in the order of members, that
-- is in none: every card wrote a page of it that no other card of its commit needed.
drop index reset_offered;
