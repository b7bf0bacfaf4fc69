-- Chunks of a text. The proxy splits it, over the call lane, which changes a setting of the session: PARALLEL UNSAFE, as in 30_engine.sql.
CREATE OR REPLACE FUNCTION pgml.chunk(splitter text, "text" text, kwargs jsonb DEFAULT '{}') RETURNS TABLE (chunk_index bigint, chunk text)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL UNSAFE SECURITY DEFINER COST 1000
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN QUERY SELECT c.place, c.value FROM json_array_elements_text(pgowl.call('chunk',
        ARRAY[convert_to(splitter, 'UTF8'), convert_to("text", 'UTF8'), convert_to(kwargs::text, 'UTF8')])::json) WITH ORDINALITY c (value, place);
END $$;
