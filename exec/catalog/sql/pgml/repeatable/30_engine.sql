-- The functions that an engine computes. Each has PostgresML's signature; the work is done by the proxy, over the call lane.
-- They are SECURITY DEFINER because the call lane belongs to the owner: what a role may call is what GRANT on them says.
-- The call lane changes a setting of the session, so they are PARALLEL UNSAFE, but for the predictions of a row (see pgowl.label_predictions).

CREATE OR REPLACE FUNCTION pgml.embed(transformer text, "text" text, kwargs jsonb DEFAULT '{}') RETURNS real[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL UNSAFE SECURITY DEFINER COST 10000
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN pgowl.call('embed', ARRAY[convert_to(transformer, 'UTF8'), convert_to("text", 'UTF8'), convert_to(kwargs::text, 'UTF8')])::real[];
END $$;

CREATE OR REPLACE FUNCTION pgml.embed(transformer text, inputs text[], kwargs jsonb DEFAULT '{}') RETURNS SETOF real[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL UNSAFE SECURITY DEFINER COST 10000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    vector real[];
BEGIN
    IF cardinality(inputs) = 0 THEN
        RETURN;
    END IF;
    FOREACH vector SLICE 1 IN ARRAY
        pgowl.call('embed_many', ARRAY[convert_to(transformer, 'UTF8'), convert_to(array_to_json(inputs)::text, 'UTF8'), convert_to(kwargs::text, 'UTF8')])::real[]
    LOOP
        RETURN NEXT vector;
    END LOOP;
END $$;

-- The model that a project's predictions use, and the model with a number, as the statement's snapshot sees them, or
-- PostgresML's error. The stream lane asks for them beside the rows, so everybody may call them.
CREATE OR REPLACE FUNCTION pgowl.deployed(project text) RETURNS bigint
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN RETURN pgowl.find_model(project); END $$;

CREATE OR REPLACE FUNCTION pgowl.deployed(model bigint) RETURNS bigint
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pgml.models m WHERE m.id = model) THEN
        RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = format('pgml.models WHERE id = %s could not be loaded. Does it exist?', model);
    END IF;
    RETURN model;
END $$;

CREATE OR REPLACE FUNCTION pgml.predict(project_name text, features real[]) RETURNS real
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER COST 1000
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN pgowl.predict(pgowl.find_model(project_name), features);
END $$;

CREATE OR REPLACE FUNCTION pgml.predict(project_name text, features double precision[]) RETURNS real
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER COST 1000
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN pgowl.predict(pgowl.find_model(project_name), features::real[]);
END $$;

CREATE OR REPLACE FUNCTION pgml.predict(project_name text, features smallint[]) RETURNS real
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER COST 1000
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN pgowl.predict(pgowl.find_model(project_name), features::real[]);
END $$;

CREATE OR REPLACE FUNCTION pgml.predict(project_name text, features integer[]) RETURNS real
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER COST 1000
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN pgowl.predict(pgowl.find_model(project_name), features::real[]);
END $$;

CREATE OR REPLACE FUNCTION pgml.predict(project_name text, features bigint[]) RETURNS real
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER COST 1000
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN pgowl.predict(pgowl.find_model(project_name), features::real[]);
END $$;

CREATE OR REPLACE FUNCTION pgml.predict(project_name text, features boolean[]) RETURNS real
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER COST 1000
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN pgowl.predict(pgowl.find_model(project_name), features::integer[]::real[]);
END $$;

CREATE OR REPLACE FUNCTION pgml.predict(project_name text, "row" anyelement) RETURNS real
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER COST 1000
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN pgowl.predict_row(pgowl.find_model(project_name), pgowl.row_text("row"));
END $$;

CREATE OR REPLACE FUNCTION pgml.predict(model_id bigint, features real[]) RETURNS real
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER COST 1000
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN pgowl.predict(pgowl.deployed(model_id), features);
END $$;

CREATE OR REPLACE FUNCTION pgml.predict(model_id bigint, "row" anyelement) RETURNS real
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER COST 1000
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN pgowl.predict_row(pgowl.deployed(model_id), pgowl.row_text("row"));
END $$;

-- Not PostgresML's: its documentation calls predict with these, and there the call is ambiguous (42725). The form with text is what a literal without
-- a type resolves to.
CREATE OR REPLACE FUNCTION pgml.predict(project_name text, features numeric[]) RETURNS real
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER COST 1000
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN pgowl.predict(pgowl.find_model(project_name), features::real[]);
END $$;

CREATE OR REPLACE FUNCTION pgml.predict(project_name text, features text) RETURNS real
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER COST 1000
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN pgowl.predict(pgowl.find_model(project_name), features::real[]);
END $$;

CREATE OR REPLACE FUNCTION pgml.predict(model_id bigint, features double precision[]) RETURNS real
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER COST 1000
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN pgowl.predict(pgowl.deployed(model_id), features::real[]);
END $$;

CREATE OR REPLACE FUNCTION pgml.predict(model_id bigint, features smallint[]) RETURNS real
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER COST 1000
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN pgowl.predict(pgowl.deployed(model_id), features::real[]);
END $$;

CREATE OR REPLACE FUNCTION pgml.predict(model_id bigint, features integer[]) RETURNS real
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER COST 1000
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN pgowl.predict(pgowl.deployed(model_id), features::real[]);
END $$;

CREATE OR REPLACE FUNCTION pgml.predict(model_id bigint, features bigint[]) RETURNS real
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER COST 1000
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN pgowl.predict(pgowl.deployed(model_id), features::real[]);
END $$;

CREATE OR REPLACE FUNCTION pgml.predict(model_id bigint, features boolean[]) RETURNS real
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER COST 1000
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN pgowl.predict(pgowl.deployed(model_id), features::integer[]::real[]);
END $$;

CREATE OR REPLACE FUNCTION pgml.predict(model_id bigint, features numeric[]) RETURNS real
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER COST 1000
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN pgowl.predict(pgowl.deployed(model_id), features::real[]);
END $$;

CREATE OR REPLACE FUNCTION pgml.predict(model_id bigint, features text) RETURNS real
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER COST 1000
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN pgowl.predict(pgowl.deployed(model_id), features::real[]);
END $$;

CREATE OR REPLACE FUNCTION pgml.predict_proba(project_name text, features real[]) RETURNS real[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER COST 1000
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN pgowl.predict_proba(pgowl.find_model(project_name), features);
END $$;

CREATE OR REPLACE FUNCTION pgml.predict_proba(model_id bigint, features real[]) RETURNS real[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER COST 1000
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN pgowl.predict_proba(pgowl.deployed(model_id), features);
END $$;

CREATE OR REPLACE FUNCTION pgml.predict_batch(project_name text, features real[]) RETURNS SETOF real
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL UNSAFE SECURITY DEFINER COST 1000
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN QUERY SELECT unnest(pgowl.predict_batch(pgowl.find_model(project_name), features));
END $$;

CREATE OR REPLACE FUNCTION pgml.predict_batch(model_id bigint, features real[]) RETURNS real[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL UNSAFE SECURITY DEFINER COST 1000
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN pgowl.predict_batch(pgowl.deployed(model_id), features);
END $$;

-- train reads its relation with its caller's rights, so it is SECURITY INVOKER. An argument and an output column share a name, which
-- PL/pgSQL refuses at the first call and LANGUAGE sql does not. group_by and what follows are not PostgresML's: they come last, so that calls with PostgresML's arguments
-- mean what they mean there.
CREATE OR REPLACE FUNCTION pgml.train(
    project_name text, task text DEFAULT NULL, relation_name text DEFAULT NULL, y_column_name text DEFAULT NULL,
    algorithm pgml.algorithm DEFAULT 'linear', hyperparams jsonb DEFAULT '{}', search pgml.search DEFAULT NULL,
    search_params jsonb DEFAULT '{}', search_args jsonb DEFAULT '{}', test_size real DEFAULT 0.25,
    test_sampling pgml.sampling DEFAULT 'stratified', runtime pgml.runtime DEFAULT NULL,
    automatic_deploy boolean DEFAULT true, materialize_snapshot boolean DEFAULT false, preprocess jsonb DEFAULT '{}', group_by text DEFAULT NULL,
    weight text DEFAULT NULL, qid text DEFAULT NULL, label_upper_bound text DEFAULT NULL)
RETURNS TABLE(project text, task text, algorithm text, deployed boolean)
LANGUAGE sql VOLATILE PARALLEL UNSAFE
AS $$
    SELECT r OPERATOR(pg_catalog.->>) 'project', r OPERATOR(pg_catalog.->>) 'task', r OPERATOR(pg_catalog.->>) 'algorithm', (r OPERATOR(pg_catalog.->>) 'deployed')::boolean
    FROM pgowl.drive(
        'pgml.train(text,text,text,text,pgml.algorithm,jsonb,pgml.search,jsonb,jsonb,real,pgml.sampling,pgml.runtime,boolean,boolean,jsonb,text,text,text,text)',
        pg_catalog.jsonb_build_object('project_name', $1, 'task', $2, 'relation_name', $3, 'y_column_name', $4,
            'algorithm', $5, 'hyperparams', $6, 'search', $7, 'search_params', $8, 'search_args', $9, 'test_size', $10,
            'test_sampling', $11, 'runtime', $12, 'automatic_deploy', $13, 'materialize_snapshot', $14, 'preprocess', $15, 'group_by', $16,
            'weight', $17, 'qid', $18, 'label_upper_bound', $19)) AS r
$$;

-- An earlier catalog has train without some of the last arguments, beside which calls would be ambiguous, and perhaps what trained groups then. What GRANT has said
-- about the earlier train holds for this one.
DO $$
DECLARE
    postgresmls text := 'text,text,text,text,pgml.algorithm,jsonb,pgml.search,jsonb,jsonb,real,pgml.sampling,pgml.runtime,boolean,boolean,jsonb';
    present regprocedure := format('pgml.train(%s,text,text,text,text)', postgresmls);
    earlier regprocedure := coalesce(to_regprocedure(format('pgml.train(%s,text)', postgresmls)), to_regprocedure(format('pgml.train(%s)', postgresmls)));
    grouped regprocedure := to_regprocedure(format('pgml.train_grouped(text,%s)', postgresmls));
    change text;
BEGIN
    IF grouped IS NOT NULL THEN
        EXECUTE format('DROP FUNCTION %s', grouped);
    END IF;
    IF earlier IS NULL THEN
        RETURN;
    END IF;
    FOR change IN
        SELECT CASE WHEN p.oid = present THEN format('REVOKE ALL ON FUNCTION %s FROM %s', present, r.name)
            ELSE format('GRANT EXECUTE ON FUNCTION %s TO %s', present, r.name) || CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END END
        FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a,
            LATERAL (SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END) r(name)
        WHERE p.oid IN (earlier, present)
        ORDER BY p.oid = present DESC
    LOOP
        EXECUTE change;
    END LOOP;
    EXECUTE format('DROP FUNCTION %s', earlier);
END $$;

-- Creating them anew has made them PARALLEL RESTRICTED.
SELECT pgowl.label_predictions();
