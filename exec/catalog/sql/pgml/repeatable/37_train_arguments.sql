-- The arguments of a training as the engine gets them, without training: the proxy asks for them before a statement that does nothing but train, so that it can
-- read by COPY what the statement will read. Each takes what the function of that name in 30_engine.sql and 33_joint.sql takes, with the same defaults, and
-- makes the same object of it; a test compares them. What differs would be read again by the statement itself.
CREATE OR REPLACE FUNCTION pgml.train_arguments(
    project_name text, task text DEFAULT NULL, relation_name text DEFAULT NULL, y_column_name text DEFAULT NULL,
    algorithm pgml.algorithm DEFAULT 'linear', hyperparams jsonb DEFAULT '{}', search pgml.search DEFAULT NULL,
    search_params jsonb DEFAULT '{}', search_args jsonb DEFAULT '{}', test_size real DEFAULT 0.25,
    test_sampling pgml.sampling DEFAULT 'stratified', runtime pgml.runtime DEFAULT NULL,
    automatic_deploy boolean DEFAULT true, materialize_snapshot boolean DEFAULT false, preprocess jsonb DEFAULT '{}', group_by text DEFAULT NULL,
    weight text DEFAULT NULL, qid text DEFAULT NULL, label_upper_bound text DEFAULT NULL)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT pg_catalog.jsonb_build_object('project_name', $1, 'task', $2, 'relation_name', $3, 'y_column_name', $4,
            'algorithm', $5, 'hyperparams', $6, 'search', $7, 'search_params', $8, 'search_args', $9, 'test_size', $10,
            'test_sampling', $11, 'runtime', $12, 'automatic_deploy', $13, 'materialize_snapshot', $14, 'preprocess', $15, 'group_by', $16,
            'weight', $17, 'qid', $18, 'label_upper_bound', $19)
$$;

CREATE OR REPLACE FUNCTION pgml.train_joint_arguments(
    project_name text, task text DEFAULT NULL, relation_name text DEFAULT NULL, y_column_name text[] DEFAULT NULL,
    algorithm pgml.algorithm DEFAULT 'linear', hyperparams jsonb DEFAULT '{}', search pgml.search DEFAULT NULL,
    search_params jsonb DEFAULT '{}', search_args jsonb DEFAULT '{}', test_size real DEFAULT 0.25,
    test_sampling pgml.sampling DEFAULT 'stratified', runtime pgml.runtime DEFAULT NULL,
    automatic_deploy boolean DEFAULT true, materialize_snapshot boolean DEFAULT false, preprocess jsonb DEFAULT '{}')
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT pg_catalog.jsonb_build_object('project_name', $1, 'task', $2, 'relation_name', $3, 'y_column_name', $4,
            'algorithm', $5, 'hyperparams', $6, 'search', $7, 'search_params', $8, 'search_args', $9, 'test_size', $10,
            'test_sampling', $11, 'runtime', $12, 'automatic_deploy', $13, 'materialize_snapshot', $14, 'preprocess', $15)
$$;
