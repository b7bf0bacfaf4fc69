-- What a vectorized column's table and model were like when its vectors were made: what statements' triggers do not see shows there.
ALTER TABLE pgml.vectorized
    ADD COLUMN filenode       oid,     -- of the table; another one: it was rewritten, by ALTER TABLE, VACUUM FULL or the like
    ADD COLUMN body_type      regtype, -- of the text's column, which may change without that
    ADD COLUMN body_typmod    integer,
    ADD COLUMN model_revision text,    -- of the model, as models/text tells them apart; NULL: it could not be told
    DROP CONSTRAINT vectorized_backfill_check,
    -- stored: keys that have vectors are being queued, before those of all rows with a text
    ADD CONSTRAINT vectorized_backfill_check CHECK (backfill IN ('stored', 'begin', 'going', 'done'));

UPDATE pgml.vectorized v SET filenode = c.relfilenode, body_type = a.atttypid, body_typmod = a.atttypmod
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.oid = v.relation AND c.oid = v.relation_oid AND a.attnum = v.body_attnum;
