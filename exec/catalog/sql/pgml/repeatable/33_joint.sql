-- Training on several labels at once, and predicting all of them: pgml.train (30_engine.sql) with an array of label columns.
CREATE OR REPLACE FUNCTION pgml.train_joint(
    project_name text, task text DEFAULT NULL, relation_name text DEFAULT NULL, y_column_name text[] DEFAULT NULL,
    algorithm pgml.algorithm DEFAULT 'linear', hyperparams jsonb DEFAULT '{}', search pgml.search DEFAULT NULL,
    search_params jsonb DEFAULT '{}', search_args jsonb DEFAULT '{}', test_size real DEFAULT 0.25,
    test_sampling pgml.sampling DEFAULT 'stratified', runtime pgml.runtime DEFAULT NULL,
    automatic_deploy boolean DEFAULT true, materialize_snapshot boolean DEFAULT false, preprocess jsonb DEFAULT '{}')
RETURNS TABLE(project text, task text, algorithm text, deployed boolean)
LANGUAGE sql VOLATILE PARALLEL UNSAFE
AS $$
    SELECT r OPERATOR(pg_catalog.->>) 'project', r OPERATOR(pg_catalog.->>) 'task', r OPERATOR(pg_catalog.->>) 'algorithm', (r OPERATOR(pg_catalog.->>) 'deployed')::boolean
    FROM pgowl.drive(
        'pgml.train_joint(text,text,text,text[],pgml.algorithm,jsonb,pgml.search,jsonb,jsonb,real,pgml.sampling,pgml.runtime,boolean,boolean,jsonb)',
        pg_catalog.jsonb_build_object('project_name', $1, 'task', $2, 'relation_name', $3, 'y_column_name', $4,
            'algorithm', $5, 'hyperparams', $6, 'search', $7, 'search_params', $8, 'search_args', $9, 'test_size', $10,
            'test_sampling', $11, 'runtime', $12, 'automatic_deploy', $13, 'materialize_snapshot', $14, 'preprocess', $15)) AS r
$$;

-- One value a label, in the order of the label columns in the training relation; of several rows one after the other. A model of one label has one.
CREATE OR REPLACE FUNCTION pgml.predict_joint(project_name text, features real[]) RETURNS real[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL UNSAFE SECURITY DEFINER COST 1000
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN pgowl.call('predict_joint', ARRAY[int8send(pgowl.find_model(project_name)), array_send(features)])::real[];
END $$;

CREATE OR REPLACE FUNCTION pgml.predict_joint(model_id bigint, features real[]) RETURNS real[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL UNSAFE SECURITY DEFINER COST 1000
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN pgowl.call('predict_joint', ARRAY[int8send(pgowl.deployed(model_id)), array_send(features)])::real[];
END $$;
