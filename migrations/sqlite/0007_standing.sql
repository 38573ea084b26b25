-- Which card a newer one replaces is known in memory (src/store/standing.rs). Among all that a command writes, this
-- index and the replay keys alone had their pages in no order; without it a commit writes half as many.
drop index reset_offered;
