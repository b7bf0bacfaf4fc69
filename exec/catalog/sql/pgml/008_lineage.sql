-- Where a model comes from, beyond what PostgresML records (project, snapshot, hyperparams, created_at). At the end, so that the columns before them
-- keep their places.
ALTER TABLE pgml.models
    ADD COLUMN trained_by text,  -- the role that called
    ADD COLUMN engine     text,  -- the program and its version
    ADD COLUMN lineage    jsonb; -- the data that was read, and how: see exec/train/lineage.go
