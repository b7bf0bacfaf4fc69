-- Predictions from rows, and labels. Where the proxy computes them, exec/predict/row.go does; here is the same in SQL, for models that are functions of the database.

-- A row as predictions take it: JSON, in the order of its columns. In front of it stands the number of the first column without a type, if there is one: a literal
-- without a cast, which JSON would not tell from a text. What is no row is null.
--
-- It runs as the owner inside the predictions, and writing JSON calls the cast to json of a column's type, which whoever made the type may have made: where there
-- are such casts, columns of types that are not the server's are refused. (Base types, which have functions of their own for all else, are made by superusers alone.)
CREATE OR REPLACE FUNCTION pgowl.row_text("row" anyelement) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    sent bytea;
    at int := 5;
    type_ oid;
    untyped text := '';
    casts boolean;
BEGIN
    IF pg_typeof("row") <> 'record'::regtype
        AND NOT EXISTS (SELECT FROM pg_type t LEFT JOIN pg_type b ON b.oid = t.typbasetype WHERE t.oid = pg_typeof("row") AND 'c' IN (t.typtype, b.typtype)) THEN
        RETURN 'null';
    END IF;
    sent := record_send("row"); -- the number of columns, then the type, the length and the value of each
    casts := EXISTS (SELECT FROM pg_cast c WHERE c.oid >= 16384 AND c.casttarget = 'json'::regtype AND c.castfunc <> 0);
    IF casts OR position(decode('000002c1', 'hex') IN sent) > 0 THEN
        FOR i IN 1 .. ('x' || encode(substr(sent, 1, 4), 'hex'))::bit(32)::int LOOP
            type_ := ('x' || encode(substr(sent, at, 4), 'hex'))::bit(32)::bigint;
            IF type_ = 'unknown'::regtype AND untyped = '' THEN
                untyped := i;
            ELSIF casts AND (type_ >= 16384 OR type_ IN ('record'::regtype, 'record[]'::regtype)) AND pgowl.base_type(type_) NOT BETWEEN 1 AND 16383 THEN
                RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = format('column %s of the row is of type %s, which predict does not take', i, type_::regtype);
            END IF;
            at := at + 8 + greatest(0, ('x' || encode(substr(sent, at + 4, 4), 'hex'))::bit(32)::int);
        END LOOP;
    END IF;
    RETURN untyped || row_to_json("row");
END $$;

-- The type below all domains; 0 for one that may hold anything.
CREATE OR REPLACE FUNCTION pgowl.base_type(type_ oid) RETURNS oid
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE base (oid, below) AS (
        SELECT t.oid, t.typbasetype FROM pg_type t WHERE t.oid = type_
        UNION ALL SELECT t.oid, t.typbasetype FROM base b JOIN pg_type t ON t.oid = b.below)
    SELECT CASE WHEN b.oid IN ('record'::regtype, 'record[]'::regtype) THEN 0 ELSE b.oid END FROM base b WHERE b.below = 0
$$;

-- What a model's file says of its model (models/store/header.go).
CREATE OR REPLACE FUNCTION pgowl.model_head(model bigint) RETURNS json
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    start bytea := (SELECT substr(f.data, 1, 28) FROM pgml.files f WHERE f.model_id = model AND f.path = 'estimator.rmp' AND f.part = 0);
    size int := get_byte(start, 16) + (get_byte(start, 17) << 8) + (get_byte(start, 18) << 16) + (get_byte(start, 19) << 24);
    head bytea := (SELECT substr(f.data, 29, size) FROM pgml.files f WHERE f.model_id = model AND f.path = 'estimator.rmp' AND f.part = 0);
BEGIN
    IF length(head) < size THEN
        head := substr((SELECT string_agg(f.data, '' ORDER BY f.part) FROM pgml.files f WHERE f.model_id = model AND f.path = 'estimator.rmp'), 29, size);
    END IF;
    RETURN convert_from(head, 'UTF8');
END $$;

-- The numbers of a row's column. fill says that NULL may be one.
CREATE OR REPLACE FUNCTION pgowl.column_features(name text, value json, fill boolean, list boolean) RETURNS real[]
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    word text := value #>> '{}';
    number float8;
BEGIN
    CASE json_typeof(value)
        WHEN 'number' THEN
            IF length(word) BETWEEN 16 AND 20 AND word ~ '^-?[0-9]+$' AND word::numeric BETWEEN -9223372036854775808 AND 9223372036854775807 THEN
                RETURN ARRAY[word::bigint::real]; -- in one step
            END IF;
            number := word::float8;
        WHEN 'boolean' THEN
            RETURN ARRAY[word::boolean::int::real];
        WHEN 'array' THEN
            RETURN ARRAY(SELECT f FROM json_array_elements(value) WITH ORDINALITY e (v, n), unnest(pgowl.column_features(name, e.v, fill, true)) WITH ORDINALITY u (f, m) ORDER BY n, m);
        WHEN 'string' THEN
            IF word NOT IN ('NaN', 'Infinity', '-Infinity') THEN
                RAISE EXCEPTION USING ERRCODE = '42804', MESSAGE = format('column "%s" of the row must be a number, as the model has learned it, and not a text', name);
            END IF;
            number := word::float8;
        WHEN 'object' THEN
            RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = format('column "%s" of the row is a record, which predict does not take', name);
        ELSE
            IF list THEN
                RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = format('An array of feature `%s` has an element that is NULL. Arrays and their elements must not be NULL.', name);
            ELSIF NOT fill THEN
                RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = format('1 missing values for %s. You may provide a preprocessor to impute a value.', name);
            END IF;
            number := 'NaN';
    END CASE;
    RETURN ARRAY[pgowl.narrow(number)];
END $$;

-- What a real cannot hold is infinite or 0, without Postgres's errors.
CREATE OR REPLACE FUNCTION pgowl.narrow(number float8) RETURNS real
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT CASE WHEN number OPERATOR(pg_catalog.=) 'NaN'::pg_catalog.float8 THEN 'NaN'::pg_catalog.float4
    WHEN number OPERATOR(pg_catalog.>=) 3.4028235677973366e38::pg_catalog.float8 THEN 'Infinity'::pg_catalog.float4
    WHEN number OPERATOR(pg_catalog.<=) (-3.4028235677973366e38)::pg_catalog.float8 THEN '-Infinity'::pg_catalog.float4
    WHEN pg_catalog.abs(number) OPERATOR(pg_catalog.<) 1e-45::pg_catalog.float8 THEN 0::pg_catalog.float4 ELSE number::pg_catalog.float4 END $$;

-- The features of a row, encoded, imputed and scaled.
CREATE OR REPLACE FUNCTION pgowl.row_features(model bigint, "row" text) RETURNS real[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET extra_float_digits = 1
AS $$
DECLARE
    columns json := pgowl.model_head(model)->'features';
    plain boolean := NOT EXISTS (SELECT FROM json_array_elements(columns) c WHERE c->'preprocess' IS NOT NULL);
    untyped text := substring("row" FROM '^[0-9]+(?=\{)');
    object json;
    c record;
    f json;
    p json;
    name text;
    word text;
    number real;
    numbers real[];
    fill real;
    span float8;
    features real[] := '{}';
BEGIN
    IF untyped IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'XX000', HINT = 'Cast the literal to the column''s type, as in ''value''::text.',
            MESSAGE = format('Type information missing for column: "%s".', coalesce(columns->(untyped::int - 1)->>'name', 'f'));
    ELSIF left("row", 1) <> '{' THEN
        RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = 'This preprocessing requires Postgres `record` types created with `row()`.';
    END IF;
    object := "row"::json;
    IF NOT plain AND (SELECT count(*) FROM json_object_keys(object)) <> json_array_length(columns) THEN
        RAISE EXCEPTION USING ERRCODE = 'XX000',
            MESSAGE = format('cannot reshape array of size %s into shape (%s)', (SELECT count(*) FROM json_object_keys(object)), json_array_length(columns)),
            DETAIL = format('A row for this model has the columns %s.', (SELECT string_agg(e->>'name', ', ') FROM json_array_elements(columns) e));
    END IF;
    FOR c IN SELECT e.key, e.value, e.n::int FROM json_each(object) WITH ORDINALITY e (key, value, n) ORDER BY n LOOP
        f := columns->(c.n - 1);
        p := f->'preprocess';
        name := CASE WHEN plain AND json_array_length(columns) = 1 THEN c.key ELSE coalesce(f->>'name', c.key) END;
        fill := (p->>'fill')::real;
        span := coalesce((p->>'span')::real, 0);
        IF p->>'encode' IS NULL THEN
            numbers := pgowl.column_features(name, c.value, fill IS NOT NULL, NOT plain AND starts_with(f->>'type', '_'));
            IF NOT plain AND cardinality(numbers) <> (f->>'width')::int THEN
                RAISE EXCEPTION USING ERRCODE = 'XX000',
                    MESSAGE = format('Mismatched array length for feature `%s`. Expected: %s Received: %s', name, f->>'width', cardinality(numbers));
            END IF;
            IF p IS NOT NULL THEN
                IF fill IS NOT NULL THEN
                    numbers := array_replace(numbers, 'NaN'::real, fill);
                ELSIF 'NaN' = ANY (numbers) THEN
                    RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = format('1 missing values for %s. You may provide a preprocessor to impute a value.', name);
                END IF;
            END IF;
        ELSE
            word := coalesce(c.value #>> '{}', '__NULL__');
            IF json_typeof(c.value) NOT IN ('string', 'null') THEN
                RAISE EXCEPTION USING ERRCODE = '42804', MESSAGE = format('column "%s" of the row must be a text, as the model has learned it', name);
            ELSIF f->>'type' = 'bpchar' THEN
                word := rtrim(word, ' ');
            END IF;
            SELECT (p->'values'->>(e.n::int - 1))::real INTO number FROM json_array_elements_text(p->'categories') WITH ORDINALITY e (text, n) WHERE e.text = word;
            number := coalesce(number, fill);
            IF number IS NULL AND p->>'encode' = 'ordinal' THEN
                RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = format('value is not present in ordinal: "%s". Valid values: [%s]', word,
                    (SELECT string_agg('"' || e || '"', ', ') FROM json_array_elements_text(p->'categories') e WHERE e <> '__NULL__'));
            ELSIF number IS NULL THEN
                RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = format('1 missing values for %s. You may provide a preprocessor to impute a value.', name),
                    DETAIL = format('The training data does not have the text "%s".', word);
            END IF;
            numbers := ARRAY[number];
            IF p->>'encode' = 'one_hot' THEN
                numbers := array_fill(0::real, ARRAY[(f->>'width')::int]);
                IF number >= 0 AND number < cardinality(numbers) THEN
                    numbers[number::int + 1] := 1;
                END IF;
            END IF;
        END IF;
        IF span <> 0 THEN
            numbers := ARRAY(SELECT pgowl.narrow((v::float8 - coalesce((p->>'shift')::real, 0)::float8) / span) FROM unnest(numbers) WITH ORDINALITY u (v, n) ORDER BY n);
        END IF;
        features := features || numbers;
    END LOOP;
    RETURN features;
END $$;

DROP FUNCTION IF EXISTS pgowl.predict_row(bigint, json), pgowl.column_features(text, json);
CREATE OR REPLACE FUNCTION pgowl.predict_row(model bigint, "row" text) RETURNS real
LANGUAGE plpgsql STABLE
AS $$ BEGIN
    IF pgowl.by_form(model, false) THEN
        RETURN pgowl.form_value(model, pgowl.row_features(model, "row"));
    END IF;
    RETURN pgowl.call_still('predict_row', ARRAY[int8send(model), convert_to("row", 'UTF8')])::real;
END $$;

-- The label of the class that a model's own function predicts.
CREATE OR REPLACE FUNCTION pgowl.form_label(model bigint, features real[]) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    head json := pgowl.model_head(model);
    kind text := head->'label'->>'kind';
    classes text[] := ARRAY(SELECT c FROM json_array_elements_text(head->'label'->'classes') WITH ORDINALITY e (c, n) ORDER BY n);
    code real;
    same int[];
    probabilities real[];
BEGIN
    IF cardinality(classes) = 0 THEN
        RAISE EXCEPTION USING ERRCODE = '42809', MESSAGE = format('pgml.predict_label is for classification, and model %s is for %s', model, head->>'task'),
            HINT = 'Call pgml.predict, which gives the value.';
    END IF;
    code := pgowl.form_value(model, features);
    IF code = 'NaN' THEN -- a feature that the model needs is missing
        RETURN NULL;
    END IF;
    IF kind = 'text' THEN
        RETURN classes[code::int + 1];
    END IF;
    same := ARRAY(SELECT n FROM unnest(classes) WITH ORDINALITY e (c, n) WHERE CASE kind WHEN 'bool' THEN c::boolean::int::real ELSE c::real END = code ORDER BY n);
    IF cardinality(same) = 1 THEN
        RETURN classes[same[1]];
    END IF;
    -- Integers that are one number as a real.
    probabilities := pgowl.form_values(model, features, true);
    RETURN (SELECT classes[n] FROM unnest(same) n ORDER BY probabilities[n] DESC, n LIMIT 1);
END $$;

CREATE OR REPLACE FUNCTION pgowl.predict_label(model bigint, features real[]) RETURNS text
LANGUAGE plpgsql STABLE
AS $$ BEGIN
    IF pgowl.by_form(model, false) THEN
        RETURN pgowl.form_label(model, features);
    END IF;
    RETURN pgowl.call_still('predict_label', ARRAY[int8send(model), array_send(features)])::json #>> '{}';
END $$;

CREATE OR REPLACE FUNCTION pgowl.predict_label_row(model bigint, "row" text) RETURNS text
LANGUAGE plpgsql STABLE
AS $$ BEGIN
    IF pgowl.by_form(model, false) THEN
        RETURN pgowl.form_label(model, pgowl.row_features(model, "row"));
    END IF;
    RETURN pgowl.call_still('predict_label_row', ARRAY[int8send(model), convert_to("row", 'UTF8')])::json #>> '{}';
END $$;

REVOKE EXECUTE ON FUNCTION pgowl.model_head(bigint), pgowl.column_features(text, json, boolean, boolean), pgowl.narrow(float8), pgowl.row_features(bigint, text),
    pgowl.predict_row(bigint, text), pgowl.form_label(bigint, real[]), pgowl.predict_label(bigint, real[]), pgowl.predict_label_row(bigint, text) FROM PUBLIC;
