-- Searching a vectorized column. Ours, not PostgresML's.
--
-- Who may see what: pgml.search and pgowl.search_rows run with their caller's rights, and give only rows that the caller's own SELECT on the table gives. What they choose from comes from
-- pgowl.search_candidates, which runs with the owner's: it has looked at all rows, so it answers to pgowl.search_rows alone (see there), or whoever calls it by hand would hear of rows that
-- policies hide from him.

-- Rows of the table that a relation's vectors say are nearest to each query, as many as there are, up to wanted for each: of all, or of those whose keys are in visible, arrays of texts. As JSON:
--   full  [places of queries that may have more]
--   rows  [[place of the query from 0, row_id, score, chunk_index, chunk, hash of the whole text, k1, k2 ...], ...], all but the first four texts
--   body, keys, types  of the columns: their names as they are now, quoted, and the types of the keys, which are pg_catalog's (see pgowl.vectorize_key)
CREATE OR REPLACE FUNCTION pgowl.search_candidates(relation regclass, column_name text, queries text[], wanted integer, kwargs jsonb, exact boolean, visible json, name text, proof text) RETURNS json
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET extra_float_digits = 1
AS $$
DECLARE
    stack text;
    mine text;
    from_ int;
    v pgml.vectorized;
    n bigint;
    body name;
    keys text[];
    types text[];
    among bytea;
    found json;
    rows json;
    hidden text;
BEGIN
    -- The caller is the function that the stack's second line names. Nobody but the owner can have another function of that name in schema pgowl, and the text of a statement cannot stand
    -- there: those have lines of their own, which begin differently. The words around the names are in the server's language, as those of this function's own line are.
    GET DIAGNOSTICS stack = PG_CONTEXT;
    mine := 'pgowl.search_candidates(regclass,text,text[],integer,jsonb,boolean,json,text,text)';
    from_ := strpos(split_part(stack, E'\n', 1), mine);
    IF from_ = 0 OR NOT starts_with(split_part(stack, E'\n', 2), left(stack, from_ - 1) || 'pgowl.search_rows(regclass,text[],integer,text,jsonb,boolean)'
            || substring(substr(stack, from_ + length(mine)) FROM '^[^0-9\n]*'))
        OR NOT pgowl.proved(name, proof) THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'permission denied for function search_candidates', HINT = 'Call pgml.search.';
    END IF;
    IF NOT has_function_privilege(name, 'pgml.search(text,text,integer,text,jsonb,boolean)', 'EXECUTE')
        AND NOT has_function_privilege(name, 'pgml.search(text,text[],integer,text,jsonb,boolean)', 'EXECUTE') THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'permission denied for function search';
    END IF;

    -- A relation that was dropped, or restored from a dump, has a row that is not its own.
    SELECT count(*), min(t.id) INTO n, v.id FROM pgml.vectorized t JOIN pg_attribute a ON a.attrelid = t.relation AND a.attnum = t.body_attnum AND NOT a.attisdropped
        WHERE t.relation = search_candidates.relation AND t.relation_oid = search_candidates.relation::oid AND (column_name IS NULL OR a.attname = column_name);
    IF n = 0 THEN
        RAISE EXCEPTION USING ERRCODE = '42704', MESSAGE = CASE WHEN column_name IS NULL THEN format('no column of %s is vectorized', relation)
                ELSE format('column "%s" of %s is not vectorized', column_name, relation) END,
            HINT = format('SELECT pgml.vectorize(%L, %L, ...) keeps vectors of its texts.', relation, coalesce(column_name, 'column'));
    ELSIF n > 1 THEN
        RAISE EXCEPTION USING ERRCODE = '42702', MESSAGE = format('several columns of %s are vectorized', relation), HINT = 'Say which one: column_name => ''...''.';
    END IF;
    SELECT t.* INTO v FROM pgml.vectorized t WHERE t.id = v.id;
    SELECT a.attname INTO body FROM pg_attribute a WHERE a.attrelid = relation AND a.attnum = v.body_attnum;
    SELECT string_agg(format('"%s"', a.attname), ', ' ORDER BY a.attnum) INTO hidden
        FROM pg_attribute a WHERE a.attrelid = relation AND a.attnum = ANY (v.key_attnums || v.body_attnum) AND NOT has_column_privilege(name, relation, a.attnum, 'SELECT');
    IF hidden IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = format('permission denied for table %s', relation), DETAIL = format('SELECT is needed on %s.', hidden);
    END IF;
    SELECT array_agg(quote_ident(a.attname) ORDER BY k.place), array_agg(format_type(k.type, -1) ORDER BY k.place) INTO keys, types
        FROM unnest(v.key_attnums, v.key_types) WITH ORDINALITY k (attnum, type, place) JOIN pg_attribute a ON a.attrelid = relation AND a.attnum = k.attnum;

    -- The query is embedded as the rows are, but for what is said before them: the caller knows, or the model.
    kwargs := v.kwargs - '{prompt,prompt_name,default_prompt_name,instruction}'::text[] || coalesce(kwargs, '{}');
    IF visible IS NOT NULL THEN
        EXECUTE format('SELECT coalesce(string_agg(int8send(v.row_id), ''''), '''') FROM (SELECT e AS value FROM json_array_elements($1) e LIMIT $2) x JOIN pgml.%I v ON %s', 'vectors_' || v.id,
            (SELECT string_agg(format('v.k%s OPERATOR(pg_catalog.=) (x.value->>%s)::%s', i, i - 1, types[i]), ' AND ') FROM generate_series(1, cardinality(types)) i))
            INTO among USING visible, json_array_length(visible);
    END IF;
    found := CASE WHEN NOT exact AND visible IS NULL THEN pgowl.search_hnsw(v.id, v.model, v.dims, queries, wanted, kwargs) END;
    IF found IS NULL THEN
        found := pgowl.call('search', ARRAY[int8send(v.id), convert_to(v.model, 'UTF8'), convert_to(array_to_json(queries)::text, 'UTF8'), int4send(wanted), convert_to(kwargs::text, 'UTF8'),
            among])::json;
    END IF;
    -- A row that was written anew since has another score now, and is found by whoever begins later. The LIMIT tells the planner how many rows there are.
    EXECUTE format($sql$
        SELECT coalesce(json_agg(json_build_array(f.query, v.row_id, f.score, v.chunk_index, v.chunk, encode(v.body_hash, 'hex'), %s) ORDER BY f.query, f.place), '[]')
        FROM (SELECT l.place - 1 AS query, r.place, (r.value->>0)::bigint AS row_id, r.value->>1 AS score
            FROM json_array_elements($1->'rows') WITH ORDINALITY l (list, place), json_array_elements(l.list) WITH ORDINALITY r (value, place) LIMIT $2) f
        JOIN pgml.%I v ON v.row_id = f.row_id AND v.revision <= ($1->>'revision')::bigint $sql$,
        (SELECT string_agg(format('v.k%s::text', i), ', ' ORDER BY i) FROM generate_series(1, cardinality(v.key_attnums)) i), 'vectors_' || v.id)
        INTO rows USING found, (SELECT sum(json_array_length(l)) FROM json_array_elements(found->'rows') l);
    RETURN json_build_object('rows', rows, 'keys', keys, 'types', types, 'body', quote_ident(body),
        'full', (SELECT coalesce(json_agg(l.place - 1), '[]') FROM json_array_elements(found->'rows') WITH ORDINALITY l (list, place) WHERE json_array_length(l.list) >= wanted));
END $$;

-- What pgvector finds, as the engine would answer, or NULL where it has no index yet, or not for so many: then the engine is asked, and makes one. Order and scores are those of the exact
-- cosines of the rows that pgvector's graph leads to.
CREATE OR REPLACE FUNCTION pgowl.search_hnsw(id bigint, model text, dims integer, queries text[], wanted integer, kwargs jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    place text;
    version int[];
    type text;
    width text := current_setting('hnsw.ef_search', true);
    iterative text := current_setting('hnsw.iterative_scan', true);
    vector text;
    found json;
    lists json[] := '{}';
BEGIN
    SELECT quote_ident(s.nspname), string_to_array(substring(e.extversion FROM '^[0-9]+[.][0-9]+'), '.')::int[] INTO place, version
        FROM pg_extension e JOIN pg_namespace s ON s.oid = e.extnamespace
        JOIN pg_class c ON c.oid = to_regclass(format('pgml.%I', 'vectors_' || id || '_hnsw')) JOIN pg_index i ON i.indexrelid = c.oid AND i.indisvalid AND i.indisready
        WHERE e.extname = 'vector' AND has_schema_privilege(s.oid, 'USAGE');
    -- 1000 is the most that ef_search may be.
    IF place IS NULL OR wanted > 1000 THEN
        RETURN NULL;
    END IF;
    type := format('%s.%s(%s)', place, CASE WHEN dims > 2000 THEN 'halfvec' ELSE 'vector' END, dims);
    -- Before a session has used the library, it has no settings of it.
    EXECUTE format('SELECT array_fill(1::real, ARRAY[%s])::%s', dims, type);
    width := coalesce(width, current_setting('hnsw.ef_search', true));
    iterative := coalesce(iterative, current_setting('hnsw.iterative_scan', true));
    -- Twice as many as wanted are looked at: that is what recall costs.
    PERFORM set_config('hnsw.ef_search', least(1000, greatest(100, 2 * wanted))::text, true);
    IF version >= '{0,8}' THEN
        PERFORM set_config('hnsw.iterative_scan', 'strict_order', true);
    END IF;
    FOR vector IN SELECT * FROM json_array_elements_text(pgowl.call('search_vectors', ARRAY[convert_to(model, 'UTF8'), convert_to(array_to_json(queries)::text, 'UTF8'),
        int4send(dims), convert_to(kwargs::text, 'UTF8')])::json)
    LOOP
        EXECUTE format($sql$
            SELECT coalesce(json_agg(json_build_array(s.row_id, s.score) ORDER BY s.score DESC, s.row_id), '[]')
            FROM (SELECT n.row_id, pgml.cosine_similarity(n.embedding::double precision[], $1::real[]::double precision[]) AS score
                FROM (SELECT x.row_id, x.embedding FROM pgml.%1$I x ORDER BY (x.embedding::%2$s) OPERATOR(%3$s.<=>) $1::real[]::%2$s LIMIT $2) n) s
            WHERE s.score <> 'NaN' $sql$, 'vectors_' || id, type, place) INTO found USING vector, wanted;
        EXIT WHEN json_array_length(found) < wanted; -- the graph has led to too few: rows that have gone were on the way
        lists := lists || found;
    END LOOP;
    PERFORM set_config('hnsw.ef_search', width, true);
    IF version >= '{0,8}' THEN
        PERFORM set_config('hnsw.iterative_scan', iterative, true);
    END IF;
    IF cardinality(lists) < cardinality(queries) THEN
        RETURN NULL;
    END IF;
    RETURN json_build_object('revision', 9223372036854775807, 'rows', array_to_json(lists));
END $$;

-- The k best rows of the table for each query, as the caller may see them.
CREATE OR REPLACE FUNCTION pgowl.search_rows(relation regclass, queries text[], k integer, column_name text, kwargs jsonb, exact boolean)
RETURNS TABLE (query_index bigint, rank bigint, key jsonb, chunk_index integer, chunk text, score double precision)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
-- What the candidates are is for this function to know, so no session may have its plans shown. Texts stand for values as they do for pgowl.vectorize_reader, which says what a row's hash is.
SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD' SET debug_print_parse = off SET debug_print_rewritten = off SET debug_print_plan = off
AS $$
DECLARE
    caller text;
    shown text;
    -- When so many candidates were not enough, the caller sees a small part of the rows: then they are told, and compared alone.
    many constant integer := 5000;
    wanted bigint := k;
    visible json;
    answer json;
    found json;
BEGIN
    IF k IS NULL OR k < 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'search: k must be 1 or more';
    ELSIF array_ndims(queries) > 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'search: queries must be a one-dimensional array of texts';
    ELSIF array_position(queries, NULL) IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'search: queries may not hold NULL';
    ELSIF relation IS NULL OR cardinality(queries) IS NULL THEN
        RETURN;
    END IF;
    SELECT i.name, i.proof INTO caller, shown FROM pgowl.identity i;
    LOOP
        -- An assignment: the function looks at who calls it.
        answer := pgowl.search_candidates(relation, column_name, queries, wanted::integer, kwargs, exact, visible, caller, shown);
        -- The caller's own rights and policies choose, and so does what his transaction has changed. A row whose text is not the one that was embedded is not found until its new one is.
        EXECUTE format($sql$
            SELECT coalesce(json_agg(json_build_array(c.query, c.rank, c.key, c.chunk_index, c.chunk, c.score) ORDER BY c.query, c.rank), '[]') FROM (
                SELECT (a.value->>0)::bigint AS query, row_number() OVER (PARTITION BY a.value->>0 ORDER BY a.place) AS rank, %1$s AS key, (a.value->>3)::integer AS chunk_index,
                    coalesce(a.value->>4, d.%2$s::text) AS chunk, a.value->>2 AS score
                FROM (SELECT * FROM json_array_elements($1->'rows') WITH ORDINALITY LIMIT $3) a (value, place) JOIN ONLY %3$s d ON %4$s
                WHERE encode(sha256(convert_to(d.%2$s::text, 'UTF8')), 'hex') = a.value->>5) c
            WHERE c.rank <= $2 $sql$,
            (SELECT 'jsonb_build_object(' || string_agg(format('%L, d.%s', c.bare, c.name), ', ' ORDER BY c.place) || ')'
                FROM (SELECT e.value AS name, e.place, CASE WHEN e.value LIKE '"%' THEN replace(substr(e.value, 2, length(e.value) - 2), '""', '"') ELSE e.value END AS bare
                    FROM json_array_elements_text(answer->'keys') WITH ORDINALITY e (value, place)) c),
            answer->>'body', relation,
            (SELECT string_agg(format('d.%s OPERATOR(pg_catalog.=) (a.value->>%s)::%s', e.value, e.place + 5, answer->'types'->>(e.place - 1)::int), ' AND ')
                FROM json_array_elements_text(answer->'keys') WITH ORDINALITY e (value, place)))
            INTO found USING answer, k, json_array_length(answer->'rows');
        -- Some that were found may not be shown: then there may be others.
        EXIT WHEN NOT EXISTS (SELECT FROM json_array_elements_text(answer->'full') f
            WHERE (SELECT count(*) FROM json_array_elements(found) r WHERE r.value->>0 = f.value) < k);
        wanted := least(greatest(wanted * 4, 100), 2147483647);
        IF wanted > many AND visible IS NULL THEN
            EXECUTE format('SELECT coalesce(json_agg(json_build_array(%s)), ''[]'') FROM ONLY %s d WHERE d.%s IS NOT NULL',
                (SELECT string_agg('d.' || e.value || '::text', ', ' ORDER BY e.place) FROM json_array_elements_text(answer->'keys') WITH ORDINALITY e (value, place)), relation, answer->>'body')
                INTO visible;
            wanted := k;
        END IF;
    END LOOP;
    RETURN QUERY SELECT (r.value->>0)::bigint + 1, (r.value->>1)::bigint, (r.value->>2)::jsonb, (r.value->>3)::integer, r.value->>4, (r.value->>5)::double precision
        FROM json_array_elements(found) r;
END $$;

-- The relation's name means what it means to the caller: no search_path is set here.
CREATE OR REPLACE FUNCTION pgml.search(relation_name text, query text, k integer DEFAULT 10, column_name text DEFAULT NULL, kwargs jsonb DEFAULT '{}', exact boolean DEFAULT false)
RETURNS TABLE (rank bigint, key jsonb, chunk_index integer, chunk text, score double precision)
LANGUAGE sql VOLATILE PARALLEL UNSAFE COST 10000 ROWS 10
AS $$ SELECT s.rank, s.key, s.chunk_index, s.chunk, s.score
    FROM pgowl.search_rows($1::pg_catalog.regclass, CASE WHEN $2 IS NOT NULL THEN ARRAY[$2] END, $3, $4, $5, $6) s $$;

CREATE OR REPLACE FUNCTION pgml.search(relation_name text, queries text[], k integer DEFAULT 10, column_name text DEFAULT NULL, kwargs jsonb DEFAULT '{}', exact boolean DEFAULT false)
RETURNS TABLE (query_index bigint, rank bigint, key jsonb, chunk_index integer, chunk text, score double precision)
LANGUAGE sql VOLATILE PARALLEL UNSAFE COST 10000 ROWS 100
AS $$ SELECT s.query_index, s.rank, s.key, s.chunk_index, s.chunk, s.score FROM pgowl.search_rows($1::pg_catalog.regclass, $2, $3, $4, $5, $6) s $$;

REVOKE EXECUTE ON FUNCTION pgowl.search_hnsw(bigint, text, integer, text[], integer, jsonb) FROM PUBLIC;
