-- The five element-wise aggregates, for real[] and double precision[]. NULL rows don't count (the steps are STRICT), no rows give {}, an empty
-- vector counts as no row, and vectors of different lengths are cut to the shortest. A step also combines the partial results of parallel
-- workers: absolute values of absolute values change nothing.
--
-- A step is one SELECT for the reason given in 40_vectors.sql (384 elements: 57 µs a row; a loop over the state 85 to 100).
DO $generate$
DECLARE
    t text;
    agg record;
BEGIN
FOREACH t IN ARRAY ARRAY['real', 'double precision'] LOOP
    FOR agg IN SELECT * FROM (VALUES
        ('sum', 'a + b', 'RETURN vector'),
        ('min', 'least(a, b)', 'RETURN vector'),
        ('max', 'greatest(a, b)', 'RETURN vector'),
        ('min_abs', 'least(a, abs(b))', 'RETURN ARRAY(SELECT abs(unnest(vector)))'),
        ('max_abs', 'greatest(a, abs(b))', 'RETURN ARRAY(SELECT abs(unnest(vector)))')) o (name, step, first)
    LOOP
        EXECUTE format($sql$
            CREATE OR REPLACE FUNCTION pgowl.%1$I(state %4$s[], vector %4$s[]) RETURNS %4$s[]
            LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
            SET search_path = pg_catalog, pg_temp
            AS $$ BEGIN
                IF cardinality(state) = cardinality(vector) THEN
                    RETURN ARRAY(SELECT %2$s FROM (SELECT unnest(state) AS a, unnest(vector) AS b) t);
                ELSIF cardinality(vector) = 0 THEN
                    RETURN state;
                ELSIF cardinality(state) = 0 THEN
                    %3$s;
                END IF;
                RETURN ARRAY(SELECT %2$s FROM unnest(state) WITH ORDINALITY v (a, i) JOIN unnest(vector) WITH ORDINALITY w (b, i) USING (i) ORDER BY i);
            END $$;

            CREATE OR REPLACE AGGREGATE pgml.%5$I(%4$s[]) (
                SFUNC = pgowl.%1$I, STYPE = %4$s[], INITCOND = '{}', COMBINEFUNC = pgowl.%1$I, PARALLEL = SAFE);
        $sql$, 'vector_' || agg.name, agg.step, agg.first, t, agg.name);
    END LOOP;
END LOOP;
END
$generate$;
