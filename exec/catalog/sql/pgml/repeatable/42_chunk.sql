-- Chunks of a text. The proxy splits it, over the call lane, which changes a setting of the session: PARALLEL UNSAFE, as in 30_engine.sql. It answers with
-- places and lengths in bytes of UTF-8, which are short, and with a text for what does not stand in the text as it is.
CREATE OR REPLACE FUNCTION pgml.chunk(splitter text, "text" text, kwargs jsonb DEFAULT '{}') RETURNS TABLE (chunk_index bigint, chunk text)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL UNSAFE SECURITY DEFINER COST 1000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    bytes bytea := convert_to("text", 'UTF8');
BEGIN
    RETURN QUERY SELECT c.place, CASE json_typeof(c.value)
            WHEN 'array' THEN convert_from(substr(bytes, (c.value->>0)::int + 1, (c.value->>1)::int), 'UTF8') ELSE c.value #>> '{}' END
        FROM json_array_elements(pgowl.call('chunk', ARRAY[convert_to(splitter, 'UTF8'), bytes, convert_to(kwargs::text, 'UTF8')])::json)
            WITH ORDINALITY c (value, place);
END $$;
