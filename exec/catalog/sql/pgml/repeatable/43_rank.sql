-- Documents in the order of what they have to do with a query. Over the call lane, which changes a setting of the session: PARALLEL UNSAFE, as in 30_engine.sql. The proxy answers
-- with places and scores; the texts are here.
CREATE OR REPLACE FUNCTION pgml.rank(transformer text, query text, documents text[], kwargs jsonb DEFAULT '{}')
RETURNS TABLE (corpus_id bigint, score double precision, "text" text)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL UNSAFE SECURITY DEFINER COST 10000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    answer json := pgowl.call('rank', ARRAY[convert_to(transformer, 'UTF8'), convert_to(query, 'UTF8'), convert_to(array_to_json(documents)::text, 'UTF8'),
        convert_to(kwargs::text, 'UTF8')])::json;
    wanted boolean := (answer->>'texts')::boolean;
    first int := coalesce(array_lower(documents, 1), 1);
BEGIN
    RETURN QUERY SELECT (r.value->>0)::bigint, (r.value->>1)::double precision, CASE WHEN wanted THEN documents[first + (r.value->>0)::int] END
        FROM json_array_elements(answer->'rows') r;
END $$;
