-- PostgresML's valve for a GPU's memory. The proxy that the session came through puts its models off the GPU, where that much of the GPU's memory is in use (from 0 to 1; NULL: always), and
-- tells whether it was. Over the call lane: PARALLEL UNSAFE, as in 30_engine.sql.
CREATE OR REPLACE FUNCTION pgml.clear_gpu_cache(memory_usage real DEFAULT NULL)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL UNSAFE SECURITY DEFINER COST 10000
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN pgowl.call('clear_gpu_cache', ARRAY[convert_to(coalesce(memory_usage::text, ''), 'UTF8')])::boolean;
END $$;
