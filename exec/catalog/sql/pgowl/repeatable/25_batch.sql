-- The batch lane: one call for many rows of a statement. PgOwl rewrites
--     INSERT INTO t SELECT a, pgml.predict('p', x) FROM s
-- so that a window function gathers the arguments of the rows that the server reads in one millisecond, asks for all of them at once, and
-- each row takes its own answer. The original call stays in the statement, where it is checked but never evaluated.

-- One row's arguments, in the forms that pgml.predict has, so that the server chooses as it does there: the project, a zero byte, and F and an array
-- or R and a row. They are inlined, and so name everything in full.
CREATE OR REPLACE FUNCTION pgowl.features(project text, features real[]) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT pg_catalog.convert_to(project, 'UTF8') OPERATOR(pg_catalog.||) '\x0046'::pg_catalog.bytea OPERATOR(pg_catalog.||) pg_catalog.array_send(features) $$;
CREATE OR REPLACE FUNCTION pgowl.features(project text, features double precision[]) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT pg_catalog.convert_to(project, 'UTF8') OPERATOR(pg_catalog.||) '\x0046'::pg_catalog.bytea OPERATOR(pg_catalog.||) pg_catalog.array_send(features::pg_catalog.float4[]) $$;
CREATE OR REPLACE FUNCTION pgowl.features(project text, features smallint[]) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT pg_catalog.convert_to(project, 'UTF8') OPERATOR(pg_catalog.||) '\x0046'::pg_catalog.bytea OPERATOR(pg_catalog.||) pg_catalog.array_send(features::pg_catalog.float4[]) $$;
CREATE OR REPLACE FUNCTION pgowl.features(project text, features integer[]) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT pg_catalog.convert_to(project, 'UTF8') OPERATOR(pg_catalog.||) '\x0046'::pg_catalog.bytea OPERATOR(pg_catalog.||) pg_catalog.array_send(features::pg_catalog.float4[]) $$;
CREATE OR REPLACE FUNCTION pgowl.features(project text, features bigint[]) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT pg_catalog.convert_to(project, 'UTF8') OPERATOR(pg_catalog.||) '\x0046'::pg_catalog.bytea OPERATOR(pg_catalog.||) pg_catalog.array_send(features::pg_catalog.float4[]) $$;
CREATE OR REPLACE FUNCTION pgowl.features(project text, features boolean[]) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT pg_catalog.convert_to(project, 'UTF8') OPERATOR(pg_catalog.||) '\x0046'::pg_catalog.bytea OPERATOR(pg_catalog.||) pg_catalog.array_send(features::pg_catalog.int4[]::pg_catalog.float4[]) $$;
CREATE OR REPLACE FUNCTION pgowl.features(project text, features numeric[]) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT pg_catalog.convert_to(project, 'UTF8') OPERATOR(pg_catalog.||) '\x0046'::pg_catalog.bytea OPERATOR(pg_catalog.||) pg_catalog.array_send(features::pg_catalog.float4[]) $$;
CREATE OR REPLACE FUNCTION pgowl.features(project text, features text) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT pg_catalog.convert_to(project, 'UTF8') OPERATOR(pg_catalog.||) '\x0046'::pg_catalog.bytea OPERATOR(pg_catalog.||) pg_catalog.array_send(features::pg_catalog.float4[]) $$;
CREATE OR REPLACE FUNCTION pgowl.features(project text, "row" anyelement) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT pg_catalog.convert_to(project, 'UTF8') OPERATOR(pg_catalog.||) '\x0052'::pg_catalog.bytea OPERATOR(pg_catalog.||) pg_catalog.convert_to(pgowl.row_text("row"), 'UTF8') $$;

-- One row's arguments of pgml.embed: the model, the options and the text, each but the last ended by a zero byte. Of an array of texts there are none:
-- that pgml.embed gives rows.
CREATE OR REPLACE FUNCTION pgowl.inputs(transformer text, input text, kwargs jsonb DEFAULT '{}') RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT pg_catalog.convert_to(transformer, 'UTF8') OPERATOR(pg_catalog.||) '\x00'::pg_catalog.bytea OPERATOR(pg_catalog.||) pg_catalog.convert_to(kwargs::pg_catalog.text, 'UTF8')
    OPERATOR(pg_catalog.||) '\x00'::pg_catalog.bytea OPERATOR(pg_catalog.||) pg_catalog.convert_to(input, 'UTF8') $$;

-- Fails where somebody, shown by name and proof as in pgowl.begin_call, may not call a function of schema pgml.
CREATE OR REPLACE FUNCTION pgowl.check_call(fn text, name text, proof text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    IF NOT pgowl.proved(name, proof) OR NOT has_schema_privilege(name, 'pgml', 'USAGE')
        OR NOT EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = 'pgml'::regnamespace AND p.proname = fn AND has_function_privilege(name, p.oid, 'EXECUTE')) THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = format('permission denied for function %s', fn);
    END IF;
END $$;
REVOKE EXECUTE ON FUNCTION pgowl.check_call(text, text, text) FROM PUBLIC;

-- What a function gives for the rows that were gathered, an array in text form, with NULL where the arguments are. Who asks
-- needs the right to what it would call without us. STABLE, though it asks the proxy: which model is deployed is
-- read in the statement's own snapshot, for every batch the same.
CREATE OR REPLACE FUNCTION pgowl.call_many(fn text, state bytea[], name text, proof text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    one bytea := state[1];
    public text := CASE fn WHEN 'predict_known' THEN 'predict' ELSE fn END;
    project text;
BEGIN
    IF fn IS NULL OR public NOT IN ('predict', 'predict_proba') THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = format('permission denied for function %s', public);
    END IF;
    PERFORM pgowl.check_call(public, name, proof);
    IF one IS NULL THEN
        SELECT a INTO one FROM unnest(state) a WHERE a IS NOT NULL LIMIT 1;
        IF NOT FOUND THEN
            RETURN array_fill(NULL::real, ARRAY[cardinality(state)])::text;
        END IF;
    END IF;
    project := convert_from(substr(one, 1, position('\x00' IN one) - 1), 'UTF8');
    IF fn = 'predict_known' AND pgowl.live_model(project) IS NULL THEN
        RETURN array_fill(NULL::real, ARRAY[cardinality(state)])::text;
    END IF;
    RETURN pgowl.call(fn || '_many', ARRAY[int8send(pgowl.deployed(project)), array_send(state)]);
END $$;

CREATE OR REPLACE FUNCTION pgowl.predictions(state bytea[]) RETURNS real[]
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN (SELECT pgowl.call_many('predict', state, i.name, i.proof) FROM pgowl.identity i)::real[];
END $$;

-- The probabilities of each row as the text of its array: an array of arrays has no NULL rows.
CREATE OR REPLACE FUNCTION pgowl.probabilities(state bytea[]) RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN (SELECT pgowl.call_many('predict_proba', state, i.name, i.proof) FROM pgowl.identity i)::text[];
END $$;

-- The predictions of the rows that have one: NULL also where a row would make it fail. Whoever needs that row's asks for it, and gets the error.
CREATE OR REPLACE FUNCTION pgowl.known(state bytea[]) RETURNS real[]
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN (SELECT pgowl.call_many('predict_known', state, i.name, i.proof) FROM pgowl.identity i)::real[];
END $$;

-- The embeddings of the rows that were gathered. NULL where the arguments are. Where the answer comes piece by piece (20_call.sql), some rows at a time: it grows by a copy for each piece.
CREATE OR REPLACE FUNCTION pgowl.embed_many(state bytea[], name text, proof text) RETURNS pgowl.vector[]
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    vectors pgowl.vector[] := '{}';
BEGIN
    PERFORM pgowl.check_call('embed', name, proof);
    IF current_setting('transaction_isolation') = 'read committed' AND NOT pg_is_in_recovery() THEN
        RETURN pgowl.call_vectors('embed_rows', ARRAY[array_send(state)]);
    END IF;
    FOR n IN 1..cardinality(state) BY 100 LOOP
        vectors := array_cat(vectors, pgowl.call_vectors('embed_rows', ARRAY[array_send(state[n : n + 99])]));
    END LOOP;
    RETURN vectors;
END $$;

CREATE OR REPLACE FUNCTION pgowl.embeddings(state bytea[]) RETURNS pgowl.vector[]
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN (SELECT pgowl.embed_many(state, i.name, i.proof) FROM pgowl.identity i);
END $$;

-- The key of a row's arguments in a memo (see the parser's memo.go): whoever could find two rows with one key would get one's prediction for
-- the other, so it is half of a SHA-256.
CREATE OR REPLACE FUNCTION pgowl.memo_key(args bytea) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT pg_catalog.encode(pg_catalog.substr(pg_catalog.sha256(args), 1, 16), 'hex')::pg_catalog.uuid $$;

-- Their step is the server's own: it appends in place, which no function in PL/pgSQL can do for an aggregate.
CREATE OR REPLACE AGGREGATE pgowl.predict_all(args bytea) (SFUNC = pg_catalog.array_append, STYPE = bytea[], INITCOND = '{}', FINALFUNC = pgowl.predictions);
CREATE OR REPLACE AGGREGATE pgowl.predict_proba_all(args bytea) (SFUNC = pg_catalog.array_append, STYPE = bytea[], INITCOND = '{}', FINALFUNC = pgowl.probabilities);
CREATE OR REPLACE AGGREGATE pgowl.predict_known(args bytea) (SFUNC = pg_catalog.array_append, STYPE = bytea[], INITCOND = '{}', FINALFUNC = pgowl.known);
CREATE OR REPLACE AGGREGATE pgowl.embed_all(args bytea) (SFUNC = pg_catalog.array_append, STYPE = bytea[], INITCOND = '{}', FINALFUNC = pgowl.embeddings);

-- Fails where relations are not all tables that every row is read from as it is (views, policies), or where somebody has made an operator of
-- his own by one of these names for real: PgOwl asks it before a statement reads a relation twice, or compares rows in the server's place.
CREATE OR REPLACE FUNCTION pgowl.only_tables(relations regclass[], operators text[]) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    IF EXISTS (SELECT FROM pg_class c WHERE c.oid = ANY (relations) AND (c.relkind NOT IN ('r', 'p', 'm', 'f') OR c.relrowsecurity))
        OR EXISTS (SELECT FROM pg_operator o WHERE o.oprname = ANY (operators) AND o.oprnamespace <> 'pg_catalog'::regnamespace AND 'real'::regtype IN (o.oprleft, o.oprright)) THEN
        RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = 'not a statement to be rewritten';
    END IF;
END $$;
