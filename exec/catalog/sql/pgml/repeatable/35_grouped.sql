-- One model for each value of a column: pgml.train (30_engine.sql) with group_by. PostgresML does not have it. It is a function of its own, as an argument more would
-- be another signature, and an overload would make calls of pgml.train ambiguous.
CREATE OR REPLACE FUNCTION pgml.train_grouped(
    project_name text, group_by text, task text DEFAULT NULL, relation_name text DEFAULT NULL, y_column_name text DEFAULT NULL,
    algorithm pgml.algorithm DEFAULT 'linear', hyperparams jsonb DEFAULT '{}', search pgml.search DEFAULT NULL,
    search_params jsonb DEFAULT '{}', search_args jsonb DEFAULT '{}', test_size real DEFAULT 0.25,
    test_sampling pgml.sampling DEFAULT 'stratified', runtime pgml.runtime DEFAULT NULL,
    automatic_deploy boolean DEFAULT true, materialize_snapshot boolean DEFAULT false, preprocess jsonb DEFAULT '{}')
RETURNS TABLE(project text, task text, algorithm text, deployed boolean)
LANGUAGE sql VOLATILE PARALLEL UNSAFE
AS $$
    SELECT r->>'project', r->>'task', r->>'algorithm', (r->>'deployed')::boolean
    FROM pgowl.drive(
        'pgml.train_grouped(text,text,text,text,text,pgml.algorithm,jsonb,pgml.search,jsonb,jsonb,real,pgml.sampling,pgml.runtime,boolean,boolean,jsonb)',
        pg_catalog.jsonb_build_object('project_name', $1, 'group_by', coalesce($2, ''), 'task', $3, 'relation_name', $4, 'y_column_name', $5,
            'algorithm', $6, 'hyperparams', $7, 'search', $8, 'search_params', $9, 'search_args', $10, 'test_size', $11,
            'test_sampling', $12, 'runtime', $13, 'automatic_deploy', $14, 'materialize_snapshot', $15, 'preprocess', $16)) AS r
$$;
