-- Which reset of the same member an administrator was told of when their last look was drawn: another one since then makes
-- that last look out of date. Cards of before have none; there the time of the card decides.
alter table reset add column seen_reset_id text;
