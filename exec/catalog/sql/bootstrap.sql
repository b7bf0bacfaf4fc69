-- The bookkeeping of PgOwl's catalog, written so that it can run again on top of an older one. Schema pgowl is made by the
-- runner before. Nothing here is readable or callable by PUBLIC.

-- Everybody may look up names in it: the functions that PUBLIC may call live here too.
REVOKE ALL ON SCHEMA pgowl FROM PUBLIC;
GRANT USAGE ON SCHEMA pgowl TO PUBLIC;

-- The ledger: which script ran, with which text.
CREATE TABLE IF NOT EXISTS pgowl.migrations (
    component  text NOT NULL,
    name       text NOT NULL,
    version    integer NOT NULL,          -- 0: repeatable
    sha256     text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (component, name)
);

-- The scripts themselves, as the newest PgOwl that was here brought them: CREATE EXTENSION installs from here,
-- inside the user's own transaction.
CREATE TABLE IF NOT EXISTS pgowl.scripts (
    component text NOT NULL,
    name      text NOT NULL,
    version   integer NOT NULL,
    sha256    text NOT NULL,
    body      text NOT NULL,
    PRIMARY KEY (component, name)
);

-- What CREATE EXTENSION knows, one row an extension. State: absent, installed (by the runner, no CREATE EXTENSION yet),
-- created (CREATE EXTENSION was run), dropped (DROP EXTENSION was run: the runner stays away).
CREATE TABLE IF NOT EXISTS pgowl.extensions (
    name       text PRIMARY KEY,
    component  text NOT NULL UNIQUE,      -- which is also the schema's name
    version    text NOT NULL,
    state      text NOT NULL DEFAULT 'absent' CHECK (state IN ('absent', 'installed', 'created', 'dropped')),
    comment    text NOT NULL
);
INSERT INTO pgowl.extensions (name, component, version, comment) VALUES
    ('pgml', 'pgml', '2.10.0', 'machine learning in SQL, by PgOwl'),
    ('pg_cron', 'cron', '1.6', 'Job scheduler for PostgreSQL, by PgOwl')
ON CONFLICT (name) DO UPDATE SET component = excluded.component, version = excluded.version, comment = excluded.comment;

-- The objects that the scripts made, by their Postgres identity (names and not OIDs, so that a dump and restore keeps it true).
-- What else stands in the schema is the user's, and DROP EXTENSION refuses to take it along without CASCADE.
CREATE TABLE IF NOT EXISTS pgowl.members (
    component text NOT NULL,
    identity  text NOT NULL,
    PRIMARY KEY (component, identity)
);

REVOKE ALL ON pgowl.migrations, pgowl.scripts, pgowl.extensions, pgowl.members FROM PUBLIC;

-- The functions, relations and types that stand in a schema now, as pg_identify_object names them with their class before. Left out is
-- what another object brings along: indexes, row types, array types, sequences of serial columns, TOAST tables.
CREATE OR REPLACE FUNCTION pgowl.objects(schema text) RETURNS SETOF text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT o.class || ' ' || i.identity
    FROM (
        SELECT 'pg_proc'::regclass AS class, p.oid FROM pg_proc p WHERE p.pronamespace = to_regnamespace($1)
        UNION ALL
        SELECT 'pg_class'::regclass, c.oid FROM pg_class c
        WHERE c.relnamespace = to_regnamespace($1) AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c')
            AND NOT EXISTS (SELECT 1 FROM pg_depend d
                WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass
                    AND d.deptype IN ('a', 'i') AND c.relkind = 'S')
        UNION ALL
        SELECT 'pg_type'::regclass, t.oid FROM pg_type t
        WHERE t.typnamespace = to_regnamespace($1) AND t.typtype IN ('e', 'd', 'r')
    ) o, pg_identify_object(o.class, o.oid, 0) i
$$;

-- Runs the component's scripts that the ledger doesn't have (numbered ones once, repeatable ones when their text has
-- changed, or all of these when "again" says so) and returns their names in order.
CREATE OR REPLACE FUNCTION pgowl.apply(component text, again boolean) RETURNS SETOF text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
SET client_min_messages = warning
AS $$
DECLARE
    todo   pgowl.scripts[];
    s      pgowl.scripts;
    before text[] := ARRAY(SELECT pgowl.objects(apply.component));
BEGIN
    -- Read first, run then: a script may alter these very tables.
    todo := ARRAY(
        SELECT c FROM pgowl.scripts c LEFT JOIN pgowl.migrations m ON m.component = c.component AND m.name = c.name
        WHERE c.component = apply.component AND (m.name IS NULL OR (c.version = 0 AND (again OR m.sha256 <> c.sha256)))
        ORDER BY c.version = 0, c.version, c.name);
    FOREACH s IN ARRAY todo LOOP
        EXECUTE s.body;
        INSERT INTO pgowl.migrations (component, name, version, sha256) VALUES (s.component, s.name, s.version, s.sha256)
        ON CONFLICT ON CONSTRAINT migrations_pkey DO UPDATE
            SET version = excluded.version, sha256 = excluded.sha256, applied_at = excluded.applied_at;
        RETURN NEXT s.component || '/' || s.name;
    END LOOP;
    INSERT INTO pgowl.members (component, identity)
    SELECT apply.component, o FROM pgowl.objects(apply.component) o WHERE o <> ALL (before)
    ON CONFLICT DO NOTHING;
END
$$;

-- Installs a component from nothing: its schema must not exist.
CREATE OR REPLACE FUNCTION pgowl.install(component text) RETURNS SETOF text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM pgowl.migrations m WHERE m.component = install.component;
    DELETE FROM pgowl.members m WHERE m.component = install.component;
    RETURN QUERY SELECT pgowl.apply(install.component, false);
END
$$;

REVOKE ALL ON FUNCTION pgowl.objects(text), pgowl.apply(text, boolean), pgowl.install(text) FROM PUBLIC;
