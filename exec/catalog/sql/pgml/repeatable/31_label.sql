-- Not PostgresML's: the label of the class that is predicted, as text. Everything that pgml.predict takes.
DO $make$
DECLARE
    first text;
    find text;
    type_ text;
BEGIN
    FOR first, find IN VALUES ('project_name text', 'pgowl.find_model(project_name)'), ('model_id bigint', 'pgowl.deployed(model_id)') LOOP
        FOREACH type_ IN ARRAY '{real[],double precision[],smallint[],integer[],bigint[],boolean[],numeric[],text}'::text[] LOOP
            EXECUTE format($f$CREATE OR REPLACE FUNCTION pgml.predict_label(%s, features %s) RETURNS text
                LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER COST 1000
                SET search_path = pg_catalog, pg_temp
                AS 'BEGIN RETURN pgowl.predict_label(%s, features%s::real[]); END'$f$, first, type_, find, CASE type_ WHEN 'boolean[]' THEN '::integer[]' ELSE '' END);
        END LOOP;
        EXECUTE format($f$CREATE OR REPLACE FUNCTION pgml.predict_label(%s, "row" anyelement) RETURNS text
            LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER COST 1000
            SET search_path = pg_catalog, pg_temp
            AS 'BEGIN RETURN pgowl.predict_label_row(%s, pgowl.row_text("row")); END'$f$, first, find);
    END LOOP;
END
$make$;
