-- pgml.deploy, both forms. They are SECURITY DEFINER, as training is: who may deploy is what GRANT on them says, whoever may read the tables.
-- An argument and an output column share a name, which PL/pgSQL accepts and refuses at the first call; so the public
-- functions are LANGUAGE sql, and the work is done by functions of the owner.

-- Records a deployment, whose model is the project's live one from then on. Whoever is about to decide which that is locks the project's row first, so that each
-- decision sees the one before; the lock lasts to the end of the transaction. (NO KEY, so that new models' references to the project do not wait.)
--
-- The newest deployment decides, by the time on it. That is the session's local time, as in PostgresML, so the clocks of two sessions may differ by their time
-- zones: none gets a time before the last one's.
CREATE OR REPLACE FUNCTION pgowl.record_deployment(project bigint, model bigint, reason text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    deployment bigint;
BEGIN
    PERFORM FROM pgml.projects p WHERE p.id = project FOR NO KEY UPDATE;
    INSERT INTO pgml.deployments (project_id, model_id, strategy, created_at)
    SELECT project, model, reason::pgml.strategy, greatest(clock_timestamp()::timestamp,
        (SELECT max(d.created_at) + interval '1 microsecond' FROM pgml.deployments d WHERE d.project_id = project))
    RETURNING id INTO deployment;
    RETURN deployment;
END
$$;

-- Makes a model the live one of its project.
CREATE OR REPLACE FUNCTION pgowl.deploy_model(model bigint, reason text, OUT project text, OUT algorithm text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    pid bigint;
BEGIN
    SELECT p.id, p.name, m.algorithm INTO pid, project, algorithm
    FROM pgml.models m JOIN pgml.projects p ON p.id = m.project_id WHERE m.id = model AND m.status = 'successful';
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = format('pgml.models WHERE id = %s could not be loaded. Does it exist?', model);
    END IF;
    RAISE INFO 'Deploying model id: %', model;
    PERFORM pgowl.record_deployment(pid, model, reason);
END
$$;

-- The metric by which models of a task are compared, as a number of which more is better; NULL where there is none.
CREATE OR REPLACE FUNCTION pgowl.key_score(task text, metrics jsonb) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    key text := CASE task
        WHEN 'regression' THEN CASE WHEN metrics ? 'ndcg' THEN 'ndcg' ELSE 'r2' END -- rankings of queries are regressions
        WHEN 'clustering' THEN 'silhouette'
        WHEN 'decomposition' THEN 'cumulative_explained_variance'
        WHEN 'summarization' THEN 'rouge_ngram_f1'
        WHEN 'translation' THEN 'bleu'
        WHEN 'conversation' THEN 'bleu'
        WHEN 'text_generation' THEN 'perplexity'
        WHEN 'text2text' THEN 'perplexity'
        ELSE 'f1' END;
    value jsonb := coalesce(metrics->key, CASE WHEN task = 'translation' THEN metrics->'blue' END); -- as PostgresML spells it
BEGIN
    IF value IS NULL OR jsonb_typeof(value) <> 'number' THEN
        RETURN NULL;
    END IF;
    RETURN CASE WHEN key = 'perplexity' THEN -value::double precision ELSE value::double precision END;
END
$$;

-- The model that a strategy picks in a project, or PostgresML's errors. Metrics are compared as numbers (PostgresML compares their text).
-- Arguments are text, not pgml's enums: schema pgml may be dropped without taking this along. VOLATILE, so that what it looks at is as it stands once the lock has
-- been got, and not as the calling statement saw it before.
CREATE OR REPLACE FUNCTION pgowl.choose_model(project text, strategy text, algorithm text) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    pid    bigint;
    kind   text;
    chosen bigint;
BEGIN
    SELECT p.id, p.task::text INTO pid, kind FROM pgml.projects p WHERE p.name = project FOR NO KEY UPDATE;
    IF pid IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = 'called `Result::unwrap()` on an `Err` value: InvalidPosition',
            DETAIL = format('There is no project named "%s".', project);
    END IF;
    CASE strategy
        WHEN 'best_score' THEN
            SELECT m.id INTO chosen
            FROM pgml.models m
            WHERE m.project_id = pid AND m.status = 'successful' AND (choose_model.algorithm IS NULL OR m.algorithm = choose_model.algorithm)
            ORDER BY pgowl.key_score(kind, m.metrics) DESC NULLS LAST, m.created_at DESC, m.id DESC LIMIT 1;
        WHEN 'most_recent' THEN
            SELECT m.id INTO chosen
            FROM pgml.models m
            WHERE m.project_id = pid AND m.status = 'successful' AND (choose_model.algorithm IS NULL OR m.algorithm = choose_model.algorithm)
            ORDER BY m.created_at DESC, m.id DESC LIMIT 1;
        WHEN 'rollback' THEN
            SELECT d.model_id INTO chosen
            FROM pgml.deployments d JOIN pgml.models m ON m.id = d.model_id
            WHERE d.project_id = pid AND (choose_model.algorithm IS NULL OR m.algorithm = choose_model.algorithm)
                AND d.model_id <> pgowl.live_model(project)
            ORDER BY d.created_at DESC, d.id DESC LIMIT 1;
        ELSE
            RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = 'invalid strategy';
    END CASE;
    IF chosen IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = 'called `Result::unwrap()` on an `Err` value: InvalidPosition',
            DETAIL = format('No model of project "%s" qualifies for strategy %s.', project, strategy);
    END IF;
    RETURN chosen;
END
$$;

REVOKE EXECUTE ON FUNCTION pgowl.key_score(text, jsonb), pgowl.record_deployment(bigint, bigint, text), pgowl.deploy_model(bigint, text), pgowl.choose_model(text, text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION pgml.deploy(model_id bigint) RETURNS TABLE (project text, strategy text, algorithm text)
LANGUAGE sql VOLATILE STRICT SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp
AS $$ SELECT d.project, 'specific', d.algorithm FROM pgowl.deploy_model($1, 'specific') d $$;

CREATE OR REPLACE FUNCTION pgml.deploy(project_name text, strategy pgml.strategy, algorithm pgml.algorithm DEFAULT NULL)
RETURNS TABLE (project text, strategy text, algorithm text)
LANGUAGE sql VOLATILE SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp
AS $$
    SELECT d.project, $2::text, d.algorithm
    FROM pgowl.choose_model($1, $2::text, $3::text) c, LATERAL pgowl.deploy_model(c, $2::text) d
$$;
