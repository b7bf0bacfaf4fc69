-- Models in plain SQL. A deployed model that is small enough also is a function of the database, pgowl.model_ID, so that predictions go on where no
-- proxy is: in sessions that do not come through one, on standbys, with all of them stopped.
--
-- The function is written here, from the model's file, and from nothing else: whoever deploys, by whatever way, gets it, and no text of a client's is
-- ever part of it, only numbers that were read as numbers. models/gbdt/codec.go and models/store have the format; models/gbdt/predict.go is what the function
-- has to equal: float32 throughout, trees added in the same order, so that classes are the same always.

-- The engine's sigmoid, in float64 as there.
CREATE OR REPLACE FUNCTION pgowl.sigmoid(margin real) RETURNS real
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$ BEGIN
    RETURN (1 / (1 + pg_catalog.exp(least(-margin, '88.7'::real)::float8) + 1e-16))::real;
END $$;

-- exp without Postgres's errors for what is too large or too small for a real.
CREATE OR REPLACE FUNCTION pgowl.exponent(margin real) RETURNS real
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$ BEGIN
    RETURN CASE WHEN margin >= '88.72284'::real THEN 'Infinity'::real WHEN margin < -103.9 THEN 0 ELSE pg_catalog.exp(margin::float8)::real END;
END $$;

-- Probabilities from margins.
CREATE OR REPLACE FUNCTION pgowl.softmax(margins real[]) RETURNS real[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    top real := (SELECT max(m) FROM unnest(margins) m);
    sum float8 := 0;
BEGIN
    FOR i IN 1 .. cardinality(margins) LOOP
        margins[i] := pgowl.exponent(margins[i] - top);
        sum := sum + margins[i];
    END LOOP;
    FOR i IN 1 .. cardinality(margins) LOOP
        -- A quotient that is too small is 0, as the engine has it, and not an error.
        margins[i] := CASE WHEN margins[i] < 1e-36 THEN 0 ELSE margins[i] / sum::real END;
    END LOOP;
    RETURN margins;
END $$;

-- The engine's errors for features that do not fit (exec/value.go, exec/predict/model.go).
CREATE OR REPLACE FUNCTION pgowl.misfit(model bigint, width int, features real[]) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    IF EXISTS (SELECT FROM unnest(features) f WHERE f IS NULL) THEN
        RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'features may not hold NULL';
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = format('cannot reshape array of size %s into shape (%s)', cardinality(features), width),
        DETAIL = format('Model %s takes %s features in a row, but received %s.', model, width, cardinality(features));
END $$;

-- A step at a split by categories: does the value go left? goes_left says so of the members of the set, missing_left of NaN. A code with a fraction is the one below it.
CREATE OR REPLACE FUNCTION pgowl.by_category(value real, members real[], goes_left boolean, missing_left boolean) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$ BEGIN
    RETURN CASE WHEN value = 'NaN'::real THEN missing_left ELSE (value >= 0 AND pg_catalog.trunc(value::float8)::real = ANY (members)) = goes_left END;
END $$;
REVOKE EXECUTE ON FUNCTION pgowl.by_category(real, real[], boolean, boolean) FROM PUBLIC;

REVOKE EXECUTE ON FUNCTION pgowl.sigmoid(real), pgowl.exponent(real), pgowl.softmax(real[]), pgowl.misfit(bigint, int, real[]) FROM PUBLIC;

-- Writes the body of a model's function, or says why there is none. most is the number of nodes that it may have.
--
-- A tree is one expression, CASE WHEN v3<'0.5'::real THEN ... ELSE ... END: PL/pgSQL evaluates those without the executor, and as many as fit are added in one.
-- v3 holds the third feature; where a model looks at few of many features for a row, it is f[3] in place. NaN is more than every number in Postgres, so that it
-- goes right by itself; splits that send it left look at w3, where it is -Infinity.
CREATE OR REPLACE FUNCTION pgowl.write_form(model bigint, most bigint, OUT body text, OUT features int, OUT nodes int, OUT why text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET extra_float_digits = 1
AS $$
DECLARE
    d bytea := (SELECT string_agg(f.data, '' ORDER BY f.part) FROM pgml.files f WHERE f.model_id = model AND f.path = 'estimator.rmp');
    p int := 0;                    -- where d is read
    head json;
    numbers int[] := '{}';         -- features, classes, groups, trees side by side, trees
    objective int;
    u bigint;
    shift int;
    bits int;
    value float8;
    text_ text;                    -- of the value
    part text;                     -- of the tree
    parts text[] := '{}';          -- the trees of a statement
    size int;
    turned boolean[] := '{}';      -- for the splits above: in their right halves
    depth int;
    largest float8;                -- of a tree's leaves
    reach float8[];                -- of each group's margin
    codes text;
    seen int[] := '{}';            -- features that are looked at, from 1
    seen_left int[] := '{}';
    visits float8 := 0;            -- looks at features for a row, about
    declared text := '';
    statements text[];             -- of each group
    base text;
    group_ int;
    inline_ boolean;
    sets boolean;                  -- the trees may split by categories
    members int;                   -- of a set, 0 is none
    member bigint;
    goes_left boolean;
BEGIN
    nodes := 0;
    IF d IS NULL OR substr(d, 1, 10) <> '\x50474f574c4d444c0100' THEN
        why := 'its file is of another kind';
        RETURN;
    END IF;
    -- Two sections: tag (4 bytes), length (8), sum (4), content.
    size := get_byte(d, 16) + (get_byte(d, 17) << 8) + (get_byte(d, 18) << 16) + (get_byte(d, 19) << 24);
    head := convert_from(substr(d, 29, size), 'UTF8')::json;
    p := 28 + size + 16;
    IF substr(d, p + 1, 5) = '\x50474c4e01' THEN -- linear, and always small enough
        SELECT l.* INTO body, features, nodes FROM pgowl.write_linear_form(model, head, convert_from(substr(d, p + 6), 'UTF8')::json) l;
        RETURN;
    END IF;
    IF substr(d, p + 1, 5) NOT IN ('\x5047425401', '\x5047425402', '\x5047425403') THEN
        why := CASE substr(d, p + 1, 5)
            WHEN '\x5047424c01' THEN 'it is of booster gblinear'
            WHEN '\x5047425404' THEN 'its leaves are linear, or its objective is one that LightGBM alone has'
            WHEN '\x50474a5401' THEN 'it is a joint model'
            WHEN '\x5047475201' THEN 'it has a model for each group'
            ELSE format('there is none for algorithm %s yet', head->>'algorithm') END;
        RETURN;
    END IF;
    sets := get_byte(d, p + 4) = 3;
    objective := get_byte(d, p + 5); -- 2 logistic, 3 softmax, 4 to 6, 13 and 17 exponent, 12 hinge, the others identity
    p := p + 6;
    FOR i IN 1 .. 5 LOOP
        u := 0;
        shift := 0;
        LOOP
            u := u + ((get_byte(d, p) & 127)::bigint << shift);
            EXIT WHEN get_byte(d, p) < 128;
            p := p + 1;
            shift := shift + 7;
        END LOOP;
        p := p + 1;
        numbers[i] := u;
    END LOOP;
    features := numbers[1];
    IF numbers[5] > most OR numbers[3] > most THEN
        nodes := greatest(numbers[3], numbers[5]);
        why := format('it has %s nodes or more, and PGOWL_SQL_MODEL_NODES allows %s', nodes, most);
        RETURN;
    END IF;
    reach := array_fill(0::float8, ARRAY[numbers[3]]);
    statements := array_fill(''::text, ARRAY[numbers[3]]);
    FOR tree IN -1 .. numbers[5] - 1 LOOP -- -1 is the base margin, a leaf without its zero
        part := '';
        depth := 0;
        largest := 0;
        LOOP
            u := 0;
            IF tree >= 0 THEN
                u := get_byte(d, p);
                p := p + 1;
                IF u > 127 THEN
                    u := u & 127;
                    shift := 7;
                    LOOP
                        u := u + ((get_byte(d, p) & 127)::bigint << shift);
                        p := p + 1;
                        EXIT WHEN get_byte(d, p - 1) < 128;
                        shift := shift + 7;
                    END LOOP;
                END IF;
                nodes := nodes + 1;
                IF nodes > most THEN
                    why := format('it has more than the %s nodes that PGOWL_SQL_MODEL_NODES allows', most);
                    RETURN;
                END IF;
            END IF;
            IF sets AND u > 0 AND (u - 1) & 2 = 2 THEN
                visits := visits + power(0.5::float8, depth);
                depth := depth + 1;
                IF depth > 200 THEN
                    why := 'it has a tree that is deeper than 200';
                    RETURN;
                END IF;
                turned[depth] := false;
                members := 0;
                text_ := NULL;
                FOR i IN 0 .. 16777217 LOOP -- twice their number, then they
                    EXIT WHEN i > 0 AND i > members;
                    value := 0;
                    shift := 0;
                    LOOP
                        value := value + (get_byte(d, p) & 127) * power(2::float8, shift);
                        p := p + 1;
                        EXIT WHEN get_byte(d, p - 1) < 128;
                        shift := shift + 7;
                    END LOOP;
                    IF i = 0 THEN
                        goes_left := value::bigint & 1 = 1;
                        members := value::bigint >> 1;
                        member := 0;
                        -- A large set is as much text as some nodes are.
                        nodes := nodes + members / 8;
                        IF nodes > most THEN
                            why := format('it has more than the %s nodes that PGOWL_SQL_MODEL_NODES allows', most);
                            RETURN;
                        END IF;
                    ELSE
                        member := member + value::bigint;
                        text_ := concat_ws(',', text_, member);
                    END IF;
                END LOOP;
                part := part || format('CASE WHEN pgowl.by_category(v%s,''{%s}''::real[],%s,%s) THEN ', ((u - 1) >> 2) + 1, text_, goes_left::text, ((u - 1) & 1 = 1)::text);
                seen := seen || (((u - 1) >> 2) + 1)::int;
                CONTINUE;
            ELSIF sets AND u > 0 THEN -- as it would be without sets
                u := (((u - 1) >> 2) << 1) + ((u - 1) & 1) + 1;
            END IF;
            -- A float32, exactly.
            bits := get_byte(d, p) + (get_byte(d, p + 1) << 8) + ((get_byte(d, p + 2) & 127) << 16);
            shift := (get_byte(d, p + 2) >> 7) + ((get_byte(d, p + 3) & 127) << 1);
            IF shift = 255 THEN
                value := CASE WHEN bits = 0 THEN 'Infinity' ELSE 'NaN' END;
            ELSIF shift = 0 THEN
                value := bits * power(2::float8, -149);
            ELSE
                value := (bits + 8388608) * power(2::float8, shift - 150);
            END IF;
            IF get_byte(d, p + 3) > 127 THEN
                value := -value;
            END IF;
            p := p + 4;
            text_ := quote_literal(value::real) || '::real';
            IF u = 0 THEN
                largest := greatest(largest, abs(value));
                part := part || text_;
                WHILE depth > 0 AND turned[depth] LOOP
                    part := part || ' END';
                    depth := depth - 1;
                END LOOP;
                EXIT WHEN depth = 0;
                part := part || ' ELSE ';
                turned[depth] := true;
                CONTINUE;
            END IF;
            visits := visits + power(0.5::float8, depth);
            depth := depth + 1;
            IF depth > 200 THEN
                why := 'it has a tree that is deeper than 200';
                RETURN;
            END IF;
            turned[depth] := false;
            IF u & 1 = 1 THEN
                u := (u + 1) >> 1;
                part := part || 'CASE WHEN v' || u || '<' || text_ || ' THEN ';
            ELSIF value = '-Infinity' THEN
                u := u >> 1;
                part := part || 'CASE WHEN v' || u || '=''NaN''::real THEN ';
            ELSE
                u := u >> 1;
                part := part || 'CASE WHEN w' || u || '<' || text_ || ' THEN ';
                seen_left := seen_left || u::int;
            END IF;
            seen := seen || u::int;
        END LOOP;
        IF tree = -1 THEN
            base := part;
            reach := array_fill(largest, ARRAY[numbers[3]]);
            CONTINUE;
        END IF;
        group_ := tree / numbers[4] % numbers[3] + 1;
        reach[group_] := reach[group_] + largest;
        IF NOT reach[group_] < 1e38 THEN
            why := 'its margins can be larger than a real';
            RETURN;
        END IF;
        -- A statement of PL/pgSQL has a cost of its own, so several trees share one; a long one costs memory while it is prepared.
        statements[group_] := statements[group_] || CASE
            WHEN statements[group_] = '' THEN E'm := ' || base
            WHEN (tree / (numbers[4] * numbers[3]) * numbers[4] + tree % numbers[4]) % 16 = 0 THEN E';\nm := m' ELSE '' END || '+' || part;
    END LOOP;
    codes := pgowl.class_codes(head);
    body := '';
    FOR i IN 1 .. numbers[3] LOOP
        body := body || CASE WHEN statements[i] = '' THEN 'm := ' || base ELSE statements[i] END || E';\n';
        IF objective = 3 THEN
            body := body || 'IF proba THEN ms := ms || m;' || CASE i WHEN 1 THEN ' END IF; best := m; at := 1;'
                ELSE format(' ELSIF m > best THEN best := m; at := %s; END IF;', i) END || E'\n';
        END IF;
    END LOOP;
    body := body || CASE
        WHEN objective = 3 THEN format('IF proba THEN RETURN pgowl.softmax(ms); END IF; RETURN ARRAY[(%L::real[])[at]];', '{' || codes || '}')
        WHEN objective = 2 AND numbers[2] = 2 THEN
            -- The margin from which on the engine says yes (gbdt.half).
            format('IF proba THEN m := pgowl.sigmoid(m); RETURN ARRAY[1-m, m]; END IF; RETURN ARRAY[(%L::real[])[CASE WHEN m>''1.1920929e-07''::real THEN 2 ELSE 1 END]];', '{' || codes || '}')
        WHEN objective = 2 THEN 'RETURN ARRAY[pgowl.sigmoid(m)];'
        WHEN objective IN (4, 5, 6, 13, 17) THEN 'RETURN ARRAY[pgowl.exponent(m)];'
        WHEN objective = 12 AND numbers[2] = 2 THEN
            format('IF proba THEN RETURN CASE WHEN m>0 THEN ARRAY[0,1]::real[] ELSE ARRAY[1,0]::real[] END; END IF; RETURN ARRAY[(%L::real[])[CASE WHEN m>0 THEN 2 ELSE 1 END]];', '{' || codes || '}')
        WHEN objective = 12 THEN 'RETURN ARRAY[CASE WHEN m>0 THEN 1 ELSE 0 END::real];'
        ELSE 'RETURN ARRAY[m];' END;
    IF numbers[2] = 0 THEN
        body := E'IF proba THEN RAISE EXCEPTION USING ERRCODE = ''XX000'', MESSAGE = ''You can''''t predict probabilities for a regression model''; END IF;\n' || body;
    END IF;
    SELECT array_agg(DISTINCT s) INTO seen FROM unnest(seen) s;
    SELECT array_agg(DISTINCT s) INTO seen_left FROM unnest(seen_left) s;
    inline_ := 3 * coalesce(cardinality(seen), 0) > visits;
    IF inline_ THEN
        body := regexp_replace(body, 'CASE WHEN (pgowl\.by_category\()?v(\d+)', 'CASE WHEN \1f[\2]', 'g');
        body := regexp_replace(body, 'CASE WHEN w(\d+)', 'CASE WHEN coalesce(nullif(f[\1],''NaN''::real),''-Infinity''::real)', 'g');
    ELSE
        SELECT coalesce(string_agg(format(E'v%s real := f[%s];\n', s, s), '' ORDER BY s), '') INTO declared FROM unnest(seen) s;
        SELECT declared || coalesce(string_agg(format(E'w%s real := coalesce(nullif(v%s,''NaN''::real),''-Infinity''::real);\n', s, s), '' ORDER BY s), '')
            INTO declared FROM unnest(seen_left) s;
    END IF;
    body := E'DECLARE\nm real; ms real[] := ''{}''; best real; at int;\n' || declared || E'BEGIN\n'
        || format(E'IF cardinality(f) <> %s OR array_position(f, NULL) IS NOT NULL THEN PERFORM pgowl.misfit(%s, %s, f); END IF;\n', features, model, features)
        || body || E'\nEND';
END $$;
REVOKE EXECUTE ON FUNCTION pgowl.write_form(bigint, bigint) FROM PUBLIC;

-- The way from a model's number to its function. EXECUTE plans its text each time, and that pushes half a model out of the processor's cache: 15 us. So there are fixed
-- functions, slot_0 to slot_63, whose texts name the models with that remainder, and which PL/pgSQL calls without planning anything. They only make it faster: a model that is not
-- in its slot is found by EXECUTE. So nobody waits for another transaction that is changing a slot.
CREATE OR REPLACE FUNCTION pgowl.fill_slot(slot int) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    branches text;
BEGIN
    IF NOT pg_try_advisory_xact_lock(1885826935, 1000 + slot) THEN
        RETURN;
    END IF;
    SELECT string_agg(format('IF model = %s THEN RETURN (pgowl.%I(f, false))[1]; END IF; ', f.model_id, 'model_' || f.model_id), '' ORDER BY f.model_id DESC)
        INTO branches FROM pgowl.forms f WHERE f.why IS NULL AND f.model_id & 63 = slot;
    EXECUTE format('CREATE OR REPLACE FUNCTION pgowl.%I(model bigint, f real[]) RETURNS real LANGUAGE plpgsql STABLE PARALLEL SAFE AS %L',
        'slot_' || slot, 'BEGIN ' || coalesce(branches, '') || 'RETURN NULL; END');
    EXECUTE format('REVOKE ALL ON FUNCTION pgowl.%I(bigint, real[]) FROM PUBLIC', 'slot_' || slot);
END $$;
REVOKE EXECUTE ON FUNCTION pgowl.fill_slot(int) FROM PUBLIC;

-- All slots, and the function that chooses one, by halves.
DO $make$
DECLARE
    body text;
    branch text;
    slot int;
BEGIN
    FOR slot IN 0 .. 63 LOOP
        IF to_regprocedure(format('pgowl.slot_%s(bigint,real[])', slot)) IS NULL THEN
            EXECUTE format('CREATE FUNCTION pgowl.slot_%s(model bigint, f real[]) RETURNS real LANGUAGE plpgsql STABLE PARALLEL SAFE AS %L', slot, 'BEGIN RETURN NULL; END');
            EXECUTE format('REVOKE ALL ON FUNCTION pgowl.slot_%s(bigint, real[]) FROM PUBLIC', slot);
        END IF;
        PERFORM pgowl.fill_slot(slot);
    END LOOP;
    body := 'BEGIN ';
    FOR slot IN 0 .. 63 LOOP
        FOR bit IN REVERSE 5 .. 0 LOOP
            IF slot & ((1 << bit) - 1) = 0 THEN
                -- The first slot whose number has this bit or not, as the bits above are.
                branch := format('model & %s = 0', 1 << bit);
                body := body || CASE WHEN slot & (1 << bit) = 0 THEN 'IF ' || branch || ' THEN ' ELSE 'ELSE ' END;
            END IF;
        END LOOP;
        body := body || format('RETURN pgowl.slot_%s(model, f); ', slot);
        FOR bit IN 0 .. 5 LOOP
            EXIT WHEN slot & (1 << bit) = 0;
            body := body || 'END IF; ';
        END LOOP;
    END LOOP;
    EXECUTE format('CREATE OR REPLACE FUNCTION pgowl.by_slot(model bigint, f real[]) RETURNS real LANGUAGE plpgsql STABLE PARALLEL SAFE AS %L', body || 'END');
    REVOKE ALL ON FUNCTION pgowl.by_slot(bigint, real[]) FROM PUBLIC;
END
$make$;

-- Makes a model's function where it has none yet and may have one. A failure here must not keep a model from being deployed.
CREATE OR REPLACE FUNCTION pgowl.make_form(model bigint) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET client_min_messages = warning
AS $$
DECLARE
    body text;
    features int;
    nodes int;
    why text;
BEGIN
    IF to_regprocedure('pgowl.model_' || model || '(real[],boolean)') IS NOT NULL AND EXISTS (SELECT FROM pgowl.forms f WHERE f.model_id = model AND f.why IS NULL) THEN
        RETURN;
    END IF;
    BEGIN
        SELECT w.* INTO body, features, nodes, why
            FROM pgowl.write_form(model, coalesce((SELECT s.value FROM pgowl.settings s WHERE s.name = 'sql_model_nodes'), 16384)) w;
        IF why IS NULL THEN
            EXECUTE format('CREATE OR REPLACE FUNCTION pgowl.%I(f real[], proba boolean) RETURNS real[] LANGUAGE plpgsql STABLE PARALLEL SAFE AS %L',
                'model_' || model, body);
            EXECUTE format('REVOKE ALL ON FUNCTION pgowl.%I(real[], boolean) FROM PUBLIC', 'model_' || model);
        END IF;
    EXCEPTION WHEN OTHERS THEN
        why := format('it could not be made: %s', SQLERRM);
    END;
    INSERT INTO pgowl.forms AS f (model_id, features, nodes, why) VALUES (model, features, nodes, why)
        ON CONFLICT (model_id) DO UPDATE SET features = excluded.features, nodes = excluded.nodes, why = excluded.why, made_at = excluded.made_at;
    PERFORM pgowl.fill_slot((model & 63)::int);
END $$;

CREATE OR REPLACE FUNCTION pgowl.drop_form(model bigint) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET client_min_messages = warning
AS $$ BEGIN
    DELETE FROM pgowl.forms f WHERE f.model_id = model AND f.why IS NOT NULL;
    IF FOUND THEN
        RETURN;
    END IF;
    DELETE FROM pgowl.forms f WHERE f.model_id = model;
    IF FOUND THEN
        PERFORM pgowl.fill_slot((model & 63)::int);
    END IF;
    EXECUTE format('DROP FUNCTION IF EXISTS pgowl.%I(real[], boolean)', 'model_' || model);
END $$;

-- Drops the forms of models that are gone, TRUNCATE and DROP EXTENSION included, which no trigger tells.
CREATE OR REPLACE FUNCTION pgowl.sweep_forms() RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    id bigint;
BEGIN
    IF to_regclass('pgml.models') IS NULL THEN
        PERFORM pgowl.drop_form(f.model_id) FROM pgowl.forms f;
        RETURN;
    END IF;
    FOR id IN SELECT f.model_id FROM pgowl.forms f WHERE NOT EXISTS (SELECT FROM pgml.models m WHERE m.id = f.model_id) LOOP
        PERFORM pgowl.drop_form(id);
    END LOOP;
END $$;

-- Brings a project's forms in line with its deployments: the live model has one, and the one before it keeps its own, for those who still read in a
-- snapshot of before, and for a rollback. The others go.
CREATE OR REPLACE FUNCTION pgowl.settle_forms(project bigint) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    live bigint;
    before bigint;
    id bigint;
BEGIN
    -- One at a time, each seeing what the one before left.
    PERFORM FROM pgml.projects p WHERE p.id = project FOR NO KEY UPDATE;
    SELECT d.model_id INTO live FROM pgml.deployments d WHERE d.project_id = project ORDER BY d.created_at DESC, d.id DESC LIMIT 1;
    SELECT d.model_id INTO before FROM pgml.deployments d WHERE d.project_id = project AND d.model_id <> live ORDER BY d.created_at DESC, d.id DESC LIMIT 1;
    IF live IS NOT NULL THEN
        PERFORM pgowl.make_form(live);
    END IF;
    FOR id IN SELECT f.model_id FROM pgowl.forms f JOIN pgml.models m ON m.id = f.model_id
        WHERE m.project_id = project AND f.model_id IS DISTINCT FROM live AND f.model_id IS DISTINCT FROM before LOOP
        PERFORM pgowl.drop_form(id);
    END LOOP;
    PERFORM pgowl.sweep_forms();
    PERFORM pgowl.label_predictions();
END $$;

REVOKE EXECUTE ON FUNCTION pgowl.make_form(bigint), pgowl.drop_form(bigint), pgowl.sweep_forms(), pgowl.settle_forms(bigint) FROM PUBLIC;

-- Predictions by a project's name are PARALLEL SAFE as long as every live model has a form, else PARALLEL RESTRICTED, since a worker cannot reach the proxy. Who deploys
-- a model without form holds a shared lock until its transaction is over, so that nobody says SAFE meanwhile; who finds one of the locks taken leaves it RESTRICTED.
CREATE OR REPLACE FUNCTION pgowl.label_predictions() RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    live CONSTANT text := 'SELECT EXISTS (SELECT FROM pgml.projects p CROSS JOIN LATERAL (SELECT d.model_id FROM pgml.deployments d
        WHERE d.project_id = p.id ORDER BY d.created_at DESC, d.id DESC LIMIT 1) l LEFT JOIN pgowl.forms f ON f.model_id = l.model_id AND f.why IS NULL WHERE f IS NULL)';
    labelled CONSTANT text := 'SELECT array_agg(p.oid::regprocedure::text) FROM pg_proc p WHERE p.pronamespace = to_regnamespace(''pgml'')
        AND p.proname IN (''predict'', ''predict_proba'') AND p.proargtypes[0] = ''text''::regtype AND p.proparallel <> $1::"char"';
    lacking boolean;
    wrong text[];
    name text;
BEGIN
    EXECUTE live INTO lacking;
    IF lacking THEN
        PERFORM pg_advisory_xact_lock_shared(1885826935, 2);
        EXECUTE labelled INTO wrong USING 'r';
        IF wrong IS NULL THEN
            RETURN;
        END IF;
        PERFORM pg_advisory_xact_lock(1885826935, 3);
    ELSE
        EXECUTE labelled INTO wrong USING 's';
        IF wrong IS NULL OR NOT pg_try_advisory_xact_lock(1885826935, 2) OR NOT pg_try_advisory_xact_lock(1885826935, 3) THEN
            RETURN;
        END IF;
        EXECUTE live INTO lacking;
    END IF;
    EXECUTE labelled INTO wrong USING CASE WHEN lacking THEN 'r' ELSE 's' END;
    FOREACH name IN ARRAY coalesce(wrong, '{}') LOOP
        EXECUTE format('ALTER FUNCTION %s PARALLEL %s', name, CASE WHEN lacking THEN 'RESTRICTED' ELSE 'SAFE' END);
    END LOOP;
END $$;
REVOKE EXECUTE ON FUNCTION pgowl.label_predictions() FROM PUBLIC;

-- Triggers of pgml.deployments and pgml.models, so that every way to deploy and to forget a model counts.
CREATE OR REPLACE FUNCTION pgowl.deployments_changed() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    PERFORM pgowl.settle_forms(CASE TG_OP WHEN 'DELETE' THEN OLD.project_id ELSE NEW.project_id END);
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION pgowl.model_deleted() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    PERFORM pgowl.drop_form(OLD.id);
    RETURN NULL;
END $$;

REVOKE EXECUTE ON FUNCTION pgowl.deployments_changed(), pgowl.model_deleted() FROM PUBLIC;
