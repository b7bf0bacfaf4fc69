-- The batch lane: one call for many rows of a statement. PgOwl rewrites
--     INSERT INTO t SELECT a, pgml.predict('p', x) FROM s
-- so that a window function gathers the arguments of the rows that the server reads in one millisecond, asks for all of them at once, and
-- each row takes its own answer. The original call stays in the statement, where it is checked but never evaluated.

-- One row's argument, in the forms that pgml.predict has, so that the server chooses as it does there: F and an array, or R and a row. They are
-- inlined, and so name everything in full.
CREATE OR REPLACE FUNCTION pgowl.features(features real[]) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT '\x46'::pg_catalog.bytea OPERATOR(pg_catalog.||) pg_catalog.array_send(features) $$;
CREATE OR REPLACE FUNCTION pgowl.features(features double precision[]) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT '\x46'::pg_catalog.bytea OPERATOR(pg_catalog.||) pg_catalog.array_send(features::pg_catalog.float4[]) $$;
CREATE OR REPLACE FUNCTION pgowl.features(features smallint[]) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT '\x46'::pg_catalog.bytea OPERATOR(pg_catalog.||) pg_catalog.array_send(features::pg_catalog.float4[]) $$;
CREATE OR REPLACE FUNCTION pgowl.features(features integer[]) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT '\x46'::pg_catalog.bytea OPERATOR(pg_catalog.||) pg_catalog.array_send(features::pg_catalog.float4[]) $$;
CREATE OR REPLACE FUNCTION pgowl.features(features bigint[]) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT '\x46'::pg_catalog.bytea OPERATOR(pg_catalog.||) pg_catalog.array_send(features::pg_catalog.float4[]) $$;
CREATE OR REPLACE FUNCTION pgowl.features(features boolean[]) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT '\x46'::pg_catalog.bytea OPERATOR(pg_catalog.||) pg_catalog.array_send(features::pg_catalog.int4[]::pg_catalog.float4[]) $$;
CREATE OR REPLACE FUNCTION pgowl.features(features numeric[]) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT '\x46'::pg_catalog.bytea OPERATOR(pg_catalog.||) pg_catalog.array_send(features::pg_catalog.float4[]) $$;
CREATE OR REPLACE FUNCTION pgowl.features(features text) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT '\x46'::pg_catalog.bytea OPERATOR(pg_catalog.||) pg_catalog.array_send(features::pg_catalog.float4[]) $$;
CREATE OR REPLACE FUNCTION pgowl.features("row" anyelement) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT '\x52'::pg_catalog.bytea OPERATOR(pg_catalog.||) pg_catalog.convert_to(pg_catalog.to_json("row")::pg_catalog.text, 'UTF8') $$;

-- Gathers: the project first, then each row's argument. It is handed its array to write to, so a row costs the same however many there are.
CREATE OR REPLACE FUNCTION pgowl.gather(state bytea[], project text, arg bytea) RETURNS bytea[]
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    IF state IS NULL THEN
        state := ARRAY[convert_to(project, 'UTF8')];
    END IF;
    state := array_append(state, arg);
    RETURN state;
END $$;

-- The predictions for what was gathered, NULL where the argument is. Who asks is shown by name and proof, as in pgowl.begin_call: it needs the
-- right to what it would call without us. STABLE, though it asks the proxy: which model is deployed is read in the statement's own snapshot, for
-- every batch the same.
CREATE OR REPLACE FUNCTION pgowl.predict_many(state bytea[], name text, proof text) RETURNS real[]
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF proof IS DISTINCT FROM (SELECT encode(sha256(convert_to(s.key || ':identity:' || name || ':' || pg_backend_pid(), 'UTF8')), 'hex') FROM pgowl.secret s)
        OR NOT has_schema_privilege(name, 'pgml', 'USAGE')
        OR NOT EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = 'pgml'::regnamespace AND p.proname = 'predict' AND has_function_privilege(name, p.oid, 'EXECUTE')) THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'permission denied for function predict';
    END IF;
    IF state[1] IS NULL OR NOT EXISTS (SELECT FROM unnest(state[2:]) a WHERE a IS NOT NULL) THEN
        RETURN array_fill(NULL::real, ARRAY[cardinality(state) - 1]);
    END IF;
    state[1] := int8send(pgowl.deployed(convert_from(state[1], 'UTF8')));
    RETURN pgowl.call('predict_many', state)::real[];
END $$;

CREATE OR REPLACE FUNCTION pgowl.predictions(state bytea[]) RETURNS real[]
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN (SELECT pgowl.predict_many(state, i.name, i.proof) FROM pgowl.identity i);
END $$;

CREATE OR REPLACE AGGREGATE pgowl.predict_all(project text, arg bytea) (SFUNC = pgowl.gather, STYPE = bytea[], FINALFUNC = pgowl.predictions);
