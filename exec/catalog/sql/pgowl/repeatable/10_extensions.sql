-- CREATE, DROP and ALTER EXTENSION for pgml and pg_cron: the proxy calls these functions in place of the statements. Rights, messages
-- and SQLSTATEs are those of Postgres's own (src/backend/commands/extension.c, dropcmds.c), where "may create" is CREATE on the
-- database and the extension's owners are the owner of the database and of schema pgowl.
--
-- Who asks can't be forged: the public functions run as their caller and insert into a view whose column caller nobody may
-- write; its default is current_user, which the server evaluates in the inserting statement. The view's trigger then does the work as owner.

CREATE OR REPLACE VIEW pgowl.extension_requests AS
    SELECT NULL::text AS action, NULL::text AS extension, NULL::boolean AS lenient, NULL::boolean AS cascade, NULL::text AS version,
        NULL::name AS caller
    WHERE false;
ALTER VIEW pgowl.extension_requests ALTER COLUMN caller SET DEFAULT current_user;
REVOKE ALL ON pgowl.extension_requests FROM PUBLIC;
GRANT INSERT (action, extension, lenient, cascade, version) ON pgowl.extension_requests TO PUBLIC;

-- What outside the component's own objects would go with its schema, in the words of DROP's messages: what PgOwl's scripts
-- didn't make, in the schema or elsewhere, and depends on it directly or not. As in Postgres's dependency.c, an object that is
-- part of another (a view's rule) stands for that, and what goes with its owner silently (an index, a default) isn't listed.
CREATE OR REPLACE FUNCTION pgowl.dependents(component text) RETURNS TABLE (object text, reason text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE own(classid, objid, objsubid) AS (
        SELECT 'pg_namespace'::regclass::oid, to_regnamespace($1)::oid, 0
        UNION ALL
        SELECT o.classid, o.objid, 0
        FROM (
            SELECT 'pg_proc'::regclass::oid AS classid, p.oid AS objid FROM pg_proc p WHERE p.pronamespace = to_regnamespace($1)
            UNION ALL
            SELECT 'pg_class'::regclass, c.oid FROM pg_class c WHERE c.relnamespace = to_regnamespace($1)
            UNION ALL
            SELECT 'pg_type'::regclass, t.oid FROM pg_type t WHERE t.typnamespace = to_regnamespace($1)
        ) o
        JOIN pgowl.members m ON m.component = $1
            AND m.identity = (SELECT o.classid::regclass || ' ' || i.identity FROM pg_identify_object(o.classid, o.objid, 0) i)
    ), reached(classid, objid, objsubid) AS (
        SELECT * FROM own
        UNION
        SELECT coalesce(i.refclassid, d.classid), coalesce(i.refobjid, d.objid), coalesce(i.refobjsubid, d.objsubid)
        FROM reached r
        JOIN pg_depend d ON d.refclassid = r.classid AND d.refobjid = r.objid AND (r.objsubid = 0 OR d.refobjsubid = r.objsubid)
        LEFT JOIN pg_depend i ON d.deptype = 'n' AND i.classid = d.classid AND i.objid = d.objid AND i.deptype = 'i'
    )
    SELECT pg_describe_object(o.classid, o.objid, o.objsubid),
        (SELECT min(pg_describe_object(r.classid, r.objid, r.objsubid))
            FROM pg_depend d
            JOIN reached r ON r.classid = d.refclassid AND r.objid = d.refobjid AND (r.objsubid = 0 OR r.objsubid = d.refobjsubid)
            LEFT JOIN pg_depend i ON d.deptype = 'n' AND i.classid = d.classid AND i.objid = d.objid AND i.deptype = 'i'
            WHERE coalesce(i.refclassid, d.classid) = o.classid AND coalesce(i.refobjid, d.objid) = o.objid
                AND coalesce(i.refobjsubid, d.objsubid) = o.objsubid
                AND (r.classid <> o.classid OR r.objid <> o.objid))
    FROM reached o
    WHERE NOT EXISTS (SELECT 1 FROM own m WHERE m.classid = o.classid AND m.objid = o.objid)
        -- a column goes with its table
        AND (o.objsubid = 0 OR NOT EXISTS (SELECT 1 FROM reached t WHERE t.classid = o.classid AND t.objid = o.objid AND t.objsubid = 0))
        AND NOT EXISTS (
            SELECT 1 FROM pg_depend a
            JOIN reached r ON r.classid = a.refclassid AND r.objid = a.refobjid AND (r.objsubid = 0 OR r.objsubid = a.refobjsubid)
            WHERE a.classid = o.classid AND a.objid = o.objid AND a.objsubid = o.objsubid AND a.deptype IN ('a', 'i', 'P', 'S'))
    ORDER BY 1
$$;

-- Drops the schema without the server's own list of what goes with it, which would name every function of ours.
CREATE OR REPLACE FUNCTION pgowl.drop_schema(component text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET client_min_messages = warning
AS $$
BEGIN
    EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE', component);
    DELETE FROM pgowl.migrations m WHERE m.component = drop_schema.component;
    DELETE FROM pgowl.members m WHERE m.component = drop_schema.component;
    UPDATE pgowl.extensions e SET state = 'dropped' WHERE e.component = drop_schema.component;
    PERFORM pgowl.sweep_forms();
END
$$;

-- The three statements, as the owner. ext is the extension's row, locked.
CREATE OR REPLACE FUNCTION pgowl.do_create_extension(ext pgowl.extensions, caller name) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    schema_owner oid := (SELECT n.nspowner FROM pg_namespace n WHERE n.nspname = ext.component);
    ours oid := (SELECT n.nspowner FROM pg_namespace n WHERE n.nspname = 'pgowl');
BEGIN
    IF NOT has_database_privilege(caller, current_database(), 'CREATE') THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = format('permission denied to create extension "%s"', ext.name),
            HINT = 'Must have CREATE privilege on current database to create this extension.';
    ELSIF schema_owner IS NULL THEN
        IF NOT EXISTS (SELECT 1 FROM pgowl.scripts s WHERE s.component = ext.component) THEN
            RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = format('extension "%s" is not available in PgOwl yet', ext.name);
        END IF;
        PERFORM pgowl.install(ext.component);
    ELSIF schema_owner <> ours OR ext.state NOT IN ('installed', 'created') THEN
        RAISE EXCEPTION USING ERRCODE = '42P06', MESSAGE = format('schema "%s" already exists', ext.component),
            DETAIL = 'It was not made by PgOwl.', HINT = 'Rename or drop that schema first.';
    END IF;
    UPDATE pgowl.extensions e SET state = 'created' WHERE e.name = ext.name;
END
$$;

CREATE OR REPLACE FUNCTION pgowl.do_drop_extension(ext pgowl.extensions, cascade boolean) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    objects text[];
    reasons text[];
    detail  text := '';
BEGIN
    SELECT array_agg(d.object), array_agg(d.reason) INTO objects, reasons FROM pgowl.dependents(ext.component) d;
    IF objects IS NOT NULL AND NOT cascade THEN
        FOR i IN 1 .. cardinality(objects) LOOP
            detail := detail || CASE WHEN i > 1 THEN E'\n' ELSE '' END || objects[i] || ' depends on ' || reasons[i];
        END LOOP;
        RAISE EXCEPTION USING ERRCODE = '2BP01', MESSAGE = format('cannot drop extension %s because other objects depend on it', quote_ident(ext.name)),
            DETAIL = detail, HINT = 'Use DROP ... CASCADE to drop the dependent objects too.';
    ELSIF cardinality(objects) = 1 THEN
        RAISE NOTICE 'drop cascades to %', objects[1];
    ELSIF cardinality(objects) > 1 THEN
        RAISE NOTICE USING MESSAGE = format('drop cascades to %s other objects', cardinality(objects)),
            DETAIL = 'drop cascades to ' || array_to_string(objects, E'\ndrop cascades to ');
    END IF;
    PERFORM pgowl.drop_schema(ext.component);
END
$$;

CREATE OR REPLACE FUNCTION pgowl.do_update_extension(ext pgowl.extensions, version text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF version IS NOT NULL AND version <> ext.version THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = format('extension "%s" has no update path from version "%s" to version "%s"', ext.name, ext.version, version);
    END IF;
    -- The proxy upgrades by itself; what this can do is to bring back a function that somebody dropped or changed.
    IF to_regnamespace(quote_ident(ext.component)) IS NOT NULL THEN
        PERFORM pgowl.apply(ext.component, true);
    END IF;
    RAISE NOTICE 'version "%" of extension "%" is already installed', ext.version, ext.name;
END
$$;

-- Looks at what is asked and at what there is, answers what needs no work, and has the rest done. It can't be called (and not put
-- on a table of one's own: see the REVOKE), only reached through the view.
CREATE OR REPLACE FUNCTION pgowl.do_extension_request() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ext    pgowl.extensions;
    locked boolean := false;
BEGIN
    LOOP
        SELECT * INTO ext FROM pgowl.extensions e WHERE e.name = NEW.extension;
        IF NOT FOUND THEN
            IF NEW.action = 'drop' AND NEW.lenient THEN
                RAISE NOTICE 'extension "%" does not exist, skipping', NEW.extension;
                RETURN NEW;
            END IF;
            RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = format('extension "%s" is not available in PgOwl yet', NEW.extension);
        ELSIF NEW.action = 'create' AND ext.state = 'created' AND to_regnamespace(quote_ident(ext.component)) IS NOT NULL THEN
            IF NEW.lenient THEN
                RAISE NOTICE USING ERRCODE = '42710', MESSAGE = format('extension "%s" already exists, skipping', ext.name);
                RETURN NEW;
            END IF;
            RAISE EXCEPTION USING ERRCODE = '42710', MESSAGE = format('extension "%s" already exists', ext.name);
        ELSIF NEW.action <> 'create' AND ext.state <> 'created' THEN
            IF NEW.lenient THEN
                RAISE NOTICE 'extension "%" does not exist, skipping', ext.name;
                RETURN NEW;
            END IF;
            RAISE EXCEPTION USING ERRCODE = '42704', MESSAGE = format('extension "%s" does not exist', ext.name);
        ELSIF NEW.action <> 'create' AND NOT EXISTS (
            SELECT 1 FROM pg_database d, pg_namespace n WHERE d.datname = current_database() AND n.nspname = 'pgowl'
                AND (pg_has_role(NEW.caller, d.datdba, 'USAGE') OR pg_has_role(NEW.caller, n.nspowner, 'USAGE'))) THEN
            RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = format('must be owner of extension %s', ext.name);
        END IF;
        EXIT WHEN locked;
        -- One at a time, and not beside the runner, which holds the same lock (catalog.go). Whoever waited looks again.
        PERFORM pg_advisory_xact_lock(123589554039809);
        locked := true;
    END LOOP;
    CASE NEW.action
        WHEN 'create' THEN PERFORM pgowl.do_create_extension(ext, NEW.caller);
        WHEN 'drop' THEN PERFORM pgowl.do_drop_extension(ext, coalesce(NEW.cascade, false));
        WHEN 'update' THEN PERFORM pgowl.do_update_extension(ext, NEW.version);
    END CASE;
    RETURN NEW;
END
$$;

REVOKE EXECUTE ON FUNCTION pgowl.dependents(text), pgowl.drop_schema(text), pgowl.do_create_extension(pgowl.extensions, name),
    pgowl.do_drop_extension(pgowl.extensions, boolean), pgowl.do_update_extension(pgowl.extensions, text),
    pgowl.do_extension_request() FROM PUBLIC;

DO $$
BEGIN
    -- CREATE OR REPLACE TRIGGER came with Postgres 14.
    IF NOT EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgrelid = 'pgowl.extension_requests'::regclass AND t.tgname = 'work') THEN
        CREATE TRIGGER work INSTEAD OF INSERT ON pgowl.extension_requests
            FOR EACH ROW EXECUTE FUNCTION pgowl.do_extension_request();
    END IF;
END
$$;

-- CREATE EXTENSION [IF NOT EXISTS] name.
CREATE OR REPLACE FUNCTION pgowl.create_extension(name text, if_not_exists boolean) RETURNS void
LANGUAGE plpgsql
AS $$ BEGIN INSERT INTO pgowl.extension_requests (action, extension, lenient) VALUES ('create', $1, $2); END $$;

-- DROP EXTENSION [IF EXISTS] name [CASCADE].
CREATE OR REPLACE FUNCTION pgowl.drop_extension(name text, if_exists boolean, cascade boolean) RETURNS void
LANGUAGE plpgsql
AS $$ BEGIN INSERT INTO pgowl.extension_requests (action, extension, lenient, cascade) VALUES ('drop', $1, $2, $3); END $$;

-- ALTER EXTENSION name UPDATE [TO version]; version is NULL without TO.
CREATE OR REPLACE FUNCTION pgowl.update_extension(name text, version text) RETURNS void
LANGUAGE plpgsql
AS $$ BEGIN INSERT INTO pgowl.extension_requests (action, extension, version) VALUES ('update', $1, $2); END $$;
