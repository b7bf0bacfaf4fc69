-- pgml.snapshot: as train, it reads its relation with its caller's rights, and an argument and an output column share a name.
CREATE OR REPLACE FUNCTION pgml.snapshot(
    relation_name text, y_column_name text, test_size real DEFAULT 0.25, test_sampling pgml.sampling DEFAULT 'stratified', preprocess jsonb DEFAULT '{}')
RETURNS TABLE(relation text, y_column_name text)
LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
AS $$
    SELECT r OPERATOR(pg_catalog.->>) 'relation', r OPERATOR(pg_catalog.->>) 'y_column_name'
    FROM pgowl.drive('pgml.snapshot(text,text,real,pgml.sampling,jsonb)',
        pg_catalog.jsonb_build_object('relation_name', $1, 'y_column_name', $2, 'test_size', $3, 'test_sampling', $4, 'preprocess', $5)) AS r
$$;
