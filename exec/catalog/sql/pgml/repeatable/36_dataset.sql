-- The data sets that come with PgOwl. The proxy has the values, and makes the table with the owner's rights, in this transaction.
CREATE OR REPLACE FUNCTION pgml.load_dataset(source text, subset text DEFAULT NULL, "limit" bigint DEFAULT NULL, kwargs jsonb DEFAULT '{}')
RETURNS TABLE (table_name text, rows bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    made json := pgowl.call('load_dataset', ARRAY[convert_to(jsonb_build_object('source', source, 'limit', "limit")::text, 'UTF8')]);
BEGIN
    table_name := made->>'table_name';
    rows := made->>'rows';
    RETURN NEXT;
END $$;
