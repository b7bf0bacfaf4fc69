-- PostgresML's functions that PgOwl does not have yet. They exist with their exact signatures, so that what is stored and what looks
-- functions up goes on working, and each fails with SQLSTATE 0A000 naming itself. A function that gets built moves from here to a script
-- of its own, with CREATE OR REPLACE.
CREATE OR REPLACE FUNCTION pgowl.not_yet(name text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = pg_catalog.format('pgml.%s is not available in PgOwl yet', name);
END
$$;

DO $generate$
DECLARE
    f record;
BEGIN
FOR f IN SELECT * FROM (VALUES
    -- name, arguments, result, attributes
    ('tune', $$project_name text, task text DEFAULT NULL, relation_name text DEFAULT NULL, _y_column_name text DEFAULT NULL,
        model_name text DEFAULT NULL, hyperparams jsonb DEFAULT '{}', test_size real DEFAULT 0.25,
        test_sampling pgml.sampling DEFAULT 'stratified', automatic_deploy boolean DEFAULT true, materialize_snapshot boolean DEFAULT false$$,
        'TABLE (status text, task text, algorithm text, deployed boolean)', 'VOLATILE'),
    ('dump_all', 'path text', 'void', 'VOLATILE STRICT'),
    ('load_all', 'path text', 'void', 'VOLATILE STRICT'),

    ('decompose', 'project_name text, vector real[]', 'real[]', 'IMMUTABLE STRICT PARALLEL SAFE'),

    ('transform', $$task text, args jsonb DEFAULT '{}', inputs text[] DEFAULT ARRAY[]::text[], cache boolean DEFAULT false$$,
        'jsonb', 'IMMUTABLE STRICT PARALLEL SAFE'),
    ('transform', $$task jsonb, args jsonb DEFAULT '{}', inputs text[] DEFAULT ARRAY[]::text[], cache boolean DEFAULT false$$,
        'jsonb', 'IMMUTABLE STRICT PARALLEL SAFE'),
    ('transform', $$task text, args jsonb DEFAULT '{}', inputs jsonb[] DEFAULT ARRAY[]::jsonb[], cache boolean DEFAULT false$$,
        'jsonb', 'IMMUTABLE STRICT PARALLEL SAFE'),
    ('transform', $$task jsonb, args jsonb DEFAULT '{}', inputs jsonb[] DEFAULT ARRAY[]::jsonb[], cache boolean DEFAULT false$$,
        'jsonb', 'IMMUTABLE STRICT PARALLEL SAFE'),
    ('transform_stream', $$task text, args jsonb DEFAULT '{}', input text DEFAULT '', cache boolean DEFAULT false$$,
        'SETOF jsonb', 'IMMUTABLE STRICT PARALLEL SAFE'),
    ('transform_stream', $$task jsonb, args jsonb DEFAULT '{}', input text DEFAULT '', cache boolean DEFAULT false$$,
        'SETOF jsonb', 'IMMUTABLE STRICT PARALLEL SAFE'),
    ('transform_stream', $$task text, args jsonb DEFAULT '{}', inputs jsonb[] DEFAULT ARRAY[]::jsonb[], cache boolean DEFAULT false$$,
        'SETOF jsonb', 'IMMUTABLE STRICT PARALLEL SAFE'),
    ('transform_stream', $$task jsonb, args jsonb DEFAULT '{}', inputs jsonb[] DEFAULT ARRAY[]::jsonb[], cache boolean DEFAULT false$$,
        'SETOF jsonb', 'IMMUTABLE STRICT PARALLEL SAFE'),
    ('generate', $$project_name text, inputs text, config jsonb DEFAULT '{}'$$, 'text', 'IMMUTABLE STRICT PARALLEL SAFE'),
    ('generate', $$project_name text, inputs text[], config jsonb DEFAULT '{}'$$, 'text[]', 'IMMUTABLE STRICT PARALLEL SAFE'),

    ('validate_python_dependencies', '', 'boolean', 'VOLATILE STRICT'),
    ('python_version', '', 'text', 'VOLATILE STRICT'),
    ('python_package_version', 'name text', 'text', 'VOLATILE STRICT'),
    ('xgboost_version', '', 'text', 'VOLATILE STRICT'),
    ('python_pip_freeze', '', 'TABLE ("package" text)', 'VOLATILE STRICT'),
    ('activate_venv', 'venv text', 'boolean', 'VOLATILE STRICT')
) f (name, arguments, result, attributes)
LOOP
    -- LANGUAGE sql where an argument and an output column share a name, which PL/pgSQL refuses when it is called.
    EXECUTE format('CREATE OR REPLACE FUNCTION pgml.%I(%s) RETURNS %s LANGUAGE %s %s AS %L', f.name, f.arguments, f.result,
        CASE WHEN f.name = 'tune' THEN 'sql' ELSE 'plpgsql' END, f.attributes,
        CASE f.name
            WHEN 'tune' THEN 'SELECT NULL::text, NULL::text, NULL::text, NULL::boolean FROM pgowl.not_yet(''tune'')'
            ELSE format('BEGIN PERFORM pgowl.not_yet(%L); END', f.name)
        END);
END LOOP;
END
$generate$;
