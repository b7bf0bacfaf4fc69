-- What PostgresML does not have: the models of a project side by side, and a model's metrics on fresh data.

-- A row a model, the best first. SECURITY DEFINER, as the predictions are: who may ask is what GRANT on it says, whoever may read the tables. The figures of a
-- search's candidates are left out; pgml.models has them.
CREATE OR REPLACE FUNCTION pgml.compare(project_name text)
RETURNS TABLE (model_id bigint, algorithm text, hyperparams jsonb, runtime text, metrics jsonb, fit_time double precision, deployed boolean,
    created_at timestamp without time zone)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SECURITY DEFINER ROWS 20
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    pid  bigint;
    kind text;
    live bigint := pgowl.live_model(project_name);
BEGIN
    SELECT p.id, p.task::text INTO pid, kind FROM pgml.projects p WHERE p.name = project_name;
    IF pid IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = format('Project `%s` does not exist.', project_name);
    END IF;
    RETURN QUERY
        SELECT m.id, m.algorithm, m.hyperparams, m.runtime::text, m.metrics - 'search_results',
            CASE WHEN jsonb_typeof(m.metrics->'fit_time') = 'number' THEN (m.metrics->>'fit_time')::double precision END,
            m.id IS NOT DISTINCT FROM live, m.created_at
        FROM pgml.models m
        WHERE m.project_id = pid AND m.status = 'successful'
        ORDER BY pgowl.key_score(kind, m.metrics) DESC NULLS LAST, m.created_at DESC, m.id DESC;
END
$$;

-- evaluate reads its relation with its caller's rights, so it is SECURITY INVOKER, as train is.
CREATE OR REPLACE FUNCTION pgml.evaluate(project_name text, relation_name text, y_column_name text DEFAULT NULL) RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL UNSAFE
AS $$
    SELECT pgowl.drive('pgml.evaluate(text,text,text)',
        pg_catalog.jsonb_build_object('project_name', $1, 'relation_name', $2, 'y_column_name', $3))::pg_catalog.jsonb
$$;
