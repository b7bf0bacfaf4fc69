-- A row's updated_at follows its changes unless the statement sets it.
CREATE FUNCTION pgml.set_updated_at() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF NEW IS DISTINCT FROM OLD AND NEW.updated_at IS NOT DISTINCT FROM OLD.updated_at THEN
        NEW.updated_at := pg_catalog.clock_timestamp();
    END IF;
    RETURN NEW;
END
$$;

-- Puts that trigger on a table. The caller needs the right to make triggers on it.
CREATE FUNCTION pgml.auto_updated_at(tbl regclass) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    EXECUTE pg_catalog.format('CREATE TRIGGER trigger_auto_updated_at BEFORE UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION pgml.set_updated_at()', tbl);
END
$$;

SELECT pgml.auto_updated_at('pgml.projects');
SELECT pgml.auto_updated_at('pgml.snapshots');
SELECT pgml.auto_updated_at('pgml.models');
SELECT pgml.auto_updated_at('pgml.files');
