-- Linear models in plain SQL, as 16_forms.sql has trees: read from the model's file, equal to models/linear/predict.go. A margin is the intercept and then each
-- feature's product, added in the order of the features in float8, so it is the engine's to the bit. The engine keeps coefficients in a range where nothing here
-- can be out of float8's, which would be an error in Postgres.

-- A float8 as a real, infinite or 0 where a real cannot hold it, without Postgres's errors.
CREATE OR REPLACE FUNCTION pgowl.to_real(x float8) RETURNS real
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$ BEGIN
    RETURN CASE WHEN x = 'NaN' THEN 'NaN'::real
        WHEN x >= 3.4028235677973366e38 THEN 'Infinity'::real WHEN x <= -3.4028235677973366e38 THEN '-Infinity'::real
        WHEN pg_catalog.abs(x) <= 7.006492321624085e-46 THEN (x * 0)::real
        ELSE x::real END;
END $$;

-- The logistic function, as the engine bounds it.
CREATE OR REPLACE FUNCTION pgowl.chance(x float8) RETURNS float8
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$ BEGIN
    RETURN CASE WHEN x = 'NaN' THEN x ELSE 1 / (1 + pg_catalog.exp(least(greatest(-x, -103), 103))) END;
END $$;

-- Probabilities from the margins of several classes: by softmax, or, where each is against the rest, their own ones, to a sum of 1.
CREATE OR REPLACE FUNCTION pgowl.shares(margins float8[], rest boolean) RETURNS real[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    top float8 := (SELECT max(m) FROM unnest(margins) m);
    sum float8 := 0;
BEGIN
    IF top = 'NaN' OR NOT rest AND abs(top) = 'Infinity' THEN
        RETURN array_fill('NaN'::real, ARRAY[cardinality(margins)]);
    END IF;
    FOR i IN 1 .. cardinality(margins) LOOP
        margins[i] := CASE WHEN rest THEN pgowl.chance(margins[i]) ELSE exp(greatest(margins[i] - top, -103)) END;
        sum := sum + margins[i];
    END LOOP;
    RETURN ARRAY(SELECT pgowl.to_real(m / sum) FROM unnest(margins) WITH ORDINALITY u (m, n) ORDER BY n);
END $$;

-- What the classes of a model are as numbers, in their order (store.Header.Code), separated by commas; empty for a regression.
CREATE OR REPLACE FUNCTION pgowl.class_codes(head json) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET extra_float_digits = 1
AS $$ BEGIN
    IF head->'label'->'classes' IS NULL THEN
        RETURN '';
    END IF;
    RETURN (SELECT coalesce(string_agg(CASE head->'label'->>'kind'
            WHEN 'bool' THEN CASE WHEN c.value IN ('true', 't', '1') THEN '1' WHEN c.value IN ('false', 'f', '0') THEN '0' ELSE (c.n - 1)::text END
            WHEN 'text' THEN (c.n - 1)::text
            ELSE c.value::real::text END, ',' ORDER BY c.n), '')
        FROM json_array_elements_text(head->'label'->'classes') WITH ORDINALITY c (value, n));
END $$;

-- Writes the body of a linear model's function; its nodes are its coefficients. Each is a term of an expression; where there are very many, a query over the array of them
-- takes about five times as long a row, and spares the session the time and memory to prepare them. sum(float8) adds in the order of its rows, which is the array's.
CREATE OR REPLACE FUNCTION pgowl.write_linear_form(model bigint, head json, document json, OUT body text, OUT features int, OUT nodes int)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET extra_float_digits = 1
AS $$
DECLARE
    kind text := document->>'kind';
    weights float8[] := ARRAY(SELECT e.v::float8 FROM json_array_elements_text(document->'coefficients') WITH ORDINALITY e (v, n) ORDER BY e.n);
    biases float8[] := ARRAY(SELECT e.v::float8 FROM json_array_elements_text(document->'intercepts') WITH ORDINALITY e (v, n) ORDER BY e.n);
    margins int := cardinality(biases);
    codes text := '''{' || pgowl.class_codes(head) || '}''::real[]';
    statements text := '';
BEGIN
    features := (document->>'features')::int;
    nodes := cardinality(weights);
    IF kind IS NULL OR kind NOT IN ('regression', 'logistic', 'multinomial', 'ovr') OR features < 1 OR margins < 1
        OR features::bigint * margins <> nodes OR margins > 1 AND kind IN ('regression', 'logistic') THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'its coefficients do not fit each other';
    END IF;
    IF nodes > 8192 THEN
        statements := E'f := 1::real || f;\n';
    END IF;
    FOR k IN 1 .. margins LOOP
        statements := statements || CASE
            WHEN nodes > 8192 THEN format(E'SELECT sum(u.w*u.x) INTO m FROM unnest(%L::float8[], f) u (w, x);\n', biases[k] || weights[(k - 1) * features + 1 : k * features])
            ELSE format(E'm := %L::float8;\n', biases[k]) || (SELECT string_agg(s.text_, '' ORDER BY s.chunk) FROM (
                SELECT (j - 1) / 64 AS chunk, 'm := m' || string_agg(format('+%L::float8*f[%s]', weights[(k - 1) * features + j], j), '' ORDER BY j) || E';\n' AS text_
                    FROM generate_series(1, features) j GROUP BY 1) s) END;
        IF margins > 1 THEN
            statements := statements || format(
                E'IF proba THEN ms := ms || m; ELSIF m = ''NaN'' THEN RETURN ARRAY[m::real]; ELSIF at IS NULL OR m > best THEN best := m; at := %s; END IF;\n', k);
        END IF;
    END LOOP;
    body := E'DECLARE\nm float8; ms float8[] := ''{}''; best float8; at int;\nBEGIN\n'
        || format(E'IF cardinality(f) <> %s OR array_position(f, NULL) IS NOT NULL THEN PERFORM pgowl.misfit(%s, %s, f); END IF;\n', features, model, features)
        || CASE kind WHEN 'regression' THEN
            E'IF proba THEN RAISE EXCEPTION USING ERRCODE = ''XX000'', MESSAGE = ''You can''''t predict probabilities for a regression model''; END IF;\n' ELSE '' END
        || statements
        || CASE kind
            WHEN 'regression' THEN 'RETURN ARRAY[pgowl.to_real(m)];'
            WHEN 'logistic' THEN 'IF proba THEN RETURN ARRAY[pgowl.to_real(pgowl.chance(-m)), pgowl.to_real(pgowl.chance(m))]; END IF;'
                || format(E'\nRETURN ARRAY[CASE WHEN m = ''NaN'' THEN ''NaN''::real ELSE (%s)[CASE WHEN m > 0 THEN 2 ELSE 1 END] END];', codes)
            ELSE format(E'IF proba THEN RETURN pgowl.shares(ms, %s); END IF;\nRETURN ARRAY[(%s)[at]];', (kind = 'ovr')::text, codes) END
        || E'\nEND';
END $$;

REVOKE EXECUTE ON FUNCTION pgowl.to_real(float8), pgowl.chance(float8), pgowl.shares(float8[], boolean), pgowl.class_codes(json),
    pgowl.write_linear_form(bigint, json, json) FROM PUBLIC;
