-- An older version deleted steps by their own age, which may be less than that of their reset: some stayed without it, and
-- steps are now found through their reset only. Slots had the age of their reset, so none stayed.
delete from step where not exists (select 1 from reset where reset.reset_id = step.reset_id);
