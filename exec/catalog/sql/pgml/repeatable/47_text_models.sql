-- Who has pushed a model is the server's word: whoever has been granted INSERT could write any name there. It is who has logged in, whatever role was SET.
CREATE OR REPLACE FUNCTION pgowl.text_model_pushed() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    NEW.pushed_by := session_user;
    NEW.created_at := clock_timestamp();
    RETURN NEW;
END
$$;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgrelid = 'pgml.text_models'::pg_catalog.regclass AND tgname = 'pushed' AND NOT tgisinternal) THEN
        CREATE TRIGGER pushed BEFORE INSERT OR UPDATE ON pgml.text_models FOR EACH ROW EXECUTE FUNCTION pgowl.text_model_pushed();
    END IF;
END
$$;
