-- Predictions inside the database: by a model's own function (16_forms.sql) or by the proxy (20_call.sql). Reached through schema pgml's functions alone, where
-- GRANT decides and search_path is set; they are SECURITY DEFINER, so all this runs as the owner.

-- Whether this session comes through a PgOwl: what pgowl.ask wants to see.
CREATE OR REPLACE FUNCTION pgowl.through() RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    token text := coalesce(current_setting('pgowl.session', true), '');
BEGIN
    RETURN token <> '' AND split_part(token, '.', 3) = left(encode(sha256(convert_to((SELECT s.key FROM pgowl.secret s)
        || ':' || split_part(token, '.', 1) || '.' || split_part(token, '.', 2), 'SQL_ASCII')), 'hex'), 32);
END $$;

-- The error of a model that only a proxy can compute, in a session without one.
CREATE OR REPLACE FUNCTION pgowl.no_form(model bigint) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    why text;
BEGIN
    SELECT f.why INTO why FROM pgowl.forms f WHERE f.model_id = model;
    RAISE EXCEPTION USING ERRCODE = '55000',
        MESSAGE = format('model %s is computed by PgOwl, and this session does not come through it', model),
        DETAIL = format('The model is not in the database as SQL: %s.', coalesce(why, 'only deployed models are')),
        HINT = CASE
            WHEN why IS NULL THEN 'Connect through PgOwl''s address instead of the server''s, or deploy the model.'
            WHEN why LIKE '%PGOWL_SQL_MODEL_NODES%' THEN 'Connect through PgOwl''s address instead of the server''s, or raise PGOWL_SQL_MODEL_NODES and deploy the model again.'
            ELSE 'Connect through PgOwl''s address instead of the server''s.' END;
END $$;

-- Whether a model's own function is to answer. Without a proxy it has to. With one, the proxy answers in 0.2 ms from the first row on, while the function takes a fifth of
-- that or less, but milliseconds to get ready in each transaction, tens of them in a session's first, and memory of the session: so the proxy has the first 50 ms of a statement.
-- Set pgowl.forms to on or off to have it one way. many says that one call asks for many rows, which the proxy does better.
--
-- A parallel worker cannot reach the proxy. It has no client, and so no client's port, as a session by a Unix socket has none: both take the function.
CREATE OR REPLACE FUNCTION pgowl.by_form(model bigint, many boolean) RETURNS boolean
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    direct boolean := coalesce(current_setting('pgowl.session', true), '') = '';
    how text;
BEGIN
    IF to_regprocedure('pgowl.model_' || model || '(real[],boolean)') IS NULL THEN
        IF direct THEN
            PERFORM pgowl.no_form(model);
        END IF;
        RETURN false;
    ELSIF direct OR NOT many AND inet_client_port() IS NULL THEN
        RETURN true;
    END IF;
    how := coalesce(current_setting('pgowl.forms', true), '');
    RETURN how = 'on' OR how <> 'off' AND NOT many AND clock_timestamp() > statement_timestamp() + interval '50 ms' OR NOT pgowl.through();
END $$;

-- The prediction for one row by a model's function.
CREATE OR REPLACE FUNCTION pgowl.form_value(model bigint, features real[]) RETURNS real
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    value real;
BEGIN
    IF array_ndims(features) <> 1 OR array_lower(features, 1) <> 1 THEN
        features := ARRAY(SELECT unnest(features)); -- row by row
    END IF;
    value := pgowl.by_slot(model, features);
    IF value IS NULL THEN
        EXECUTE 'SELECT (pgowl.model_' || model || '($1,false))[1]' INTO value USING features;
    END IF;
    RETURN value;
END $$;

-- The same for one row or several: a value each, or all their probabilities.
CREATE OR REPLACE FUNCTION pgowl.form_values(model bigint, features real[], proba boolean) RETURNS real[]
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    width int := (SELECT f.features FROM pgowl.forms f WHERE f.model_id = model);
    call text := 'SELECT pgowl.model_' || model || '($1,$2)';
    one real[];
    values real[] := '{}';
BEGIN
    IF array_ndims(features) <> 1 OR array_lower(features, 1) <> 1 THEN
        features := ARRAY(SELECT unnest(features));
    END IF;
    IF cardinality(features) = 0 OR cardinality(features) % width <> 0 THEN
        EXECUTE call INTO values USING features, proba; -- which fails as it should
    END IF;
    FOR i IN 0 .. cardinality(features) / width - 1 LOOP
        EXECUTE call INTO one USING features[i * width + 1 : (i + 1) * width], proba;
        values := values || one;
    END LOOP;
    RETURN values;
END $$;

-- What pgml.predict, pgml.predict_proba and pgml.predict_batch are.
CREATE OR REPLACE FUNCTION pgowl.predict(model bigint, features real[]) RETURNS real
LANGUAGE plpgsql STABLE
AS $$ BEGIN
    IF pgowl.by_form(model, false) THEN
        RETURN pgowl.form_value(model, features);
    END IF;
    RETURN pgowl.call_still('predict', ARRAY[int8send(model), array_send(features)])::real;
END $$;

CREATE OR REPLACE FUNCTION pgowl.predict_proba(model bigint, features real[]) RETURNS real[]
LANGUAGE plpgsql STABLE
AS $$ BEGIN
    IF pgowl.by_form(model, false) THEN
        RETURN pgowl.form_values(model, features, true);
    END IF;
    RETURN pgowl.call_still('predict_proba', ARRAY[int8send(model), array_send(features)])::real[];
END $$;

CREATE OR REPLACE FUNCTION pgowl.predict_batch(model bigint, features real[]) RETURNS real[]
LANGUAGE plpgsql STABLE
AS $$ BEGIN
    IF pgowl.by_form(model, true) THEN
        RETURN pgowl.form_values(model, features, false);
    END IF;
    RETURN pgowl.call('predict_batch', ARRAY[int8send(model), array_send(features)])::real[];
END $$;

REVOKE EXECUTE ON FUNCTION pgowl.through(), pgowl.no_form(bigint), pgowl.by_form(bigint, boolean), pgowl.form_value(bigint, real[]),
    pgowl.form_values(bigint, real[], boolean), pgowl.predict(bigint, real[]), pgowl.predict_proba(bigint, real[]), pgowl.predict_batch(bigint, real[]) FROM PUBLIC;
