-- Columns whose texts have vectors that are kept current. docs/decisions/0010-vectorize.md says how and why; the tables are in 010_vectorize.sql.
--
-- Three roles are at work. Whoever calls pgml.vectorize owns the table: triggers and the reader (a SECURITY DEFINER function, by which the service connection gets at
-- rows) are made with his rights, from texts that the owner of this schema has written. What is in schema pgml is made by that owner, who is asked through a view, as for
-- CREATE EXTENSION: its column caller says who asks, and nobody can forge it. Triggers write into the queue as that owner, and never run code of the table's owner.

CREATE OR REPLACE VIEW pgowl.vectorize_requests AS
    SELECT NULL::text AS action, NULL::oid AS relation, NULL::text AS column_name, NULL::text AS model, NULL::text AS splitter, NULL::jsonb AS kwargs,
        NULL::jsonb AS chunk_kwargs, NULL::integer AS dims, NULL::bigint AS id, NULL::text[] AS script, NULL::name AS caller, NULL::text AS model_revision
    WHERE false;
ALTER VIEW pgowl.vectorize_requests ALTER COLUMN caller SET DEFAULT current_user;
REVOKE ALL ON pgowl.vectorize_requests FROM PUBLIC;
GRANT INSERT (action, relation, column_name, model, splitter, kwargs, chunk_kwargs, dims, model_revision), SELECT (id, script) ON pgowl.vectorize_requests TO PUBLIC;

-- The trigger of all vectorized tables: it notes the keys of rows whose text has changed, in the statement's own transaction. Its arguments: the number, the
-- attnums of the key, that of the text. Rows are seen in transition tables alone, and values become texts by their types' output functions, not by casts or operators that
-- somebody may have made. pgml.vectorized is not read: a transaction whose snapshot is older than the call of pgml.vectorize does not see the row there. Who puts
-- this trigger on another table, with whatever arguments, adds rows that nobody looks at, as they have that table's OID.
CREATE OR REPLACE FUNCTION pgowl.vectorize_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD'
AS $$
DECLARE
    attnums text[] := string_to_array(TG_ARGV[1] || ',' || TG_ARGV[2], ',');
    width integer := cardinality(attnums) - 1;
    "column" text;
    keys text := '';
    source text;
    old_key text[];
    new_key text[];
    old_body text;
    new_body text;
BEGIN
    IF to_regclass('pgml.vector_queue') IS NULL THEN
        RETURN NULL; -- the extension was dropped
    ELSIF TG_OP = 'TRUNCATE' THEN
        INSERT INTO pgml.vector_queue (id, relation) VALUES (TG_ARGV[0]::bigint, TG_RELID);
        RETURN NULL;
    ELSIF to_regclass('pgowl_new') IS NOT NULL OR to_regclass('pgowl_old') IS NOT NULL THEN
        -- Without transition tables, as a trigger that somebody else puts on a table of his own may be, these names mean his temporary views, whose functions would run as this owner.
        RAISE EXCEPTION USING ERRCODE = '42P07', MESSAGE = 'temporary relations named pgowl_new or pgowl_old are in the way of pgml.vectorize', HINT = 'Drop or rename them.';
    END IF;
    -- The columns' names now, whatever the snapshot is. The last is the text's.
    FOR i IN 1..width + 1 LOOP
        "column" := (pg_identify_object_as_address(1259, TG_RELID, attnums[i]::integer)).object_names[3];
        IF "column" IS NULL OR "column" LIKE '........pg.dropped.%' THEN
            RETURN NULL;
        END IF;
        "column" := 'r.' || quote_ident("column");
        IF i <= width THEN
            keys := keys || CASE WHEN i > 1 THEN ', ' ELSE '' END || 'format(''%s'', ' || "column" || ') COLLATE "C"';
        END IF;
    END LOOP;
    keys := 'ARRAY[' || keys || '] AS key';
    IF TG_OP = 'INSERT' THEN
        source := 'SELECT ' || keys || ' FROM pgowl_new r WHERE num_nulls(' || "column" || ') = 0';
    ELSIF TG_OP = 'DELETE' THEN
        source := 'SELECT ' || keys || ' FROM pgowl_old r WHERE num_nulls(' || "column" || ') = 0';
    ELSIF (SELECT count(*) FROM (SELECT FROM pgowl_new LIMIT 2) r) <= 1 THEN
        -- Most updates are of a row, and planning is most of their cost.
        "column" := 'SELECT ' || keys || ', CASE WHEN num_nulls(' || "column" || ') = 0 THEN format(''%s'', ' || "column" || ') END FROM ';
        EXECUTE "column" || 'pgowl_new r' INTO new_key, new_body;
        EXECUTE "column" || 'pgowl_old r' INTO old_key, old_body;
        IF new_key <> old_key COLLATE "C" THEN
            INSERT INTO pgml.vector_queue (id, relation, key) VALUES (TG_ARGV[0]::bigint, TG_RELID, new_key), (TG_ARGV[0]::bigint, TG_RELID, old_key);
        ELSIF new_body COLLATE "C" IS DISTINCT FROM old_body THEN
            INSERT INTO pgml.vector_queue (id, relation, key) VALUES (TG_ARGV[0]::bigint, TG_RELID, new_key);
        END IF;
        RETURN NULL;
    ELSE
        -- A key stands once on each side: one that stands on both with the same text has not changed.
        "column" := 'CASE WHEN num_nulls(' || "column" || ') = 0 THEN format(''%s'', ' || "column" || ') COLLATE "C" END AS body';
        source := 'SELECT u.key FROM (SELECT ' || keys || ', ' || "column" || ' FROM pgowl_new r UNION ALL SELECT ' || keys || ', ' || "column" || ' FROM pgowl_old r) u
            GROUP BY u.key HAVING count(*) <> 2 OR count(u.body) = 1 OR min(u.body) <> max(u.body)';
    END IF;
    EXECUTE 'INSERT INTO pgml.vector_queue (id, relation, key) SELECT $1, $2, s.key FROM (' || source || ') s' USING TG_ARGV[0]::bigint, TG_RELID;
    RETURN NULL;
END $$;

-- The type that a domain stands on; other types are their own.
CREATE OR REPLACE FUNCTION pgowl.vectorize_base(type oid) RETURNS regtype
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE up AS (
        SELECT t.oid, t.typtype, t.typbasetype FROM pg_type t WHERE t.oid = $1
        UNION ALL
        SELECT t.oid, t.typtype, t.typbasetype FROM up JOIN pg_type t ON up.typtype = 'd' AND t.oid = up.typbasetype
    ) SELECT oid::regtype FROM up WHERE typtype <> 'd'
$$;

-- The names of types without their lengths: bpchar is not character, which would be character(1).
CREATE OR REPLACE FUNCTION pgowl.vectorize_types(types regtype[]) RETURNS text[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT ARRAY(SELECT format_type(t, -1) FROM unnest(types) WITH ORDINALITY u (t, place) ORDER BY place) $$;

-- The columns by which a table's rows are known: its primary key, else the shortest unique index of columns that are NOT NULL, of those whose types texts stand
-- for exactly. NULL: there is none; present says whether that is for the types.
CREATE OR REPLACE FUNCTION pgowl.vectorize_key(relation oid, OUT attnums smallint[], OUT names name[], OUT types regtype[], OUT present boolean)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    i record;
BEGIN
    present := false;
    FOR i IN
        SELECT array_agg(a.attnum ORDER BY k.place) AS attnums, array_agg(a.attname ORDER BY k.place) AS names,
            array_agg(pgowl.vectorize_base(a.atttypid) ORDER BY k.place) AS types,
            bool_and(pgowl.vectorize_base(a.atttypid) = ANY ('{smallint,integer,bigint,numeric,text,varchar,bpchar,uuid,date,timestamp,timestamptz,boolean}'::regtype[])
                AND coalesce(c.collisdeterministic, true) AND a.attgenerated <> 'v') AS usable
        FROM pg_index x
        CROSS JOIN LATERAL unnest(x.indkey::smallint[]) WITH ORDINALITY k (attnum, place)
        JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.attnum
        LEFT JOIN pg_collation c ON c.oid = a.attcollation
        WHERE x.indrelid = $1 AND x.indisunique AND x.indisvalid AND x.indimmediate AND x.indpred IS NULL AND x.indexprs IS NULL AND k.place <= x.indnkeyatts
        GROUP BY x.indexrelid, x.indisprimary
        HAVING bool_and(a.attnotnull)
        ORDER BY x.indisprimary DESC, count(*), x.indexrelid
    LOOP
        present := true;
        CONTINUE WHEN NOT i.usable;
        attnums := i.attnums; names := i.names; types := i.types;
        RETURN;
    END LOOP;
END $$;

-- The reader of a vectorized column, as pg_get_functiondef prints it. It is the table's owner's, who may replace it: so before each call what there is is compared with
-- this text. With keys (a JSON array of arrays of texts) it gives [place, text, SHA-256] of the rows that are there, with two NULLs where the text is NULL; with hashes
-- the texts are left out. Without keys it gives the next keys, in their order, of rows with a text.
CREATE OR REPLACE FUNCTION pgowl.vectorize_reader(number bigint) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format($f$CREATE OR REPLACE FUNCTION %1$I.pgowl_vectorize_%2$s(keys json, after text[], most integer, hashes boolean)
 RETURNS json
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET row_security TO 'off'
 SET "DateStyle" TO 'ISO, YMD'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
-- PgOwl reads the texts of a vectorized column with this, with the rights of the table's owner. pgml.unvectorize removes it.
DECLARE
    columns text[] := ARRAY(SELECT 't.' || quote_ident(a.attname) FROM unnest(%3$L::smallint[]) WITH ORDINALITY u (attnum, place)
        JOIN pg_attribute a ON a.attrelid = %4$s AND a.attnum = u.attnum AND NOT a.attisdropped ORDER BY u.place);
    types text[] := %5$L;
    width integer := cardinality(types);
    result json;
BEGIN
    IF session_user <> %6$L THEN
        RAISE EXCEPTION 'this function is for PgOwl alone' USING ERRCODE = '42501';
    ELSIF cardinality(columns) <= width THEN
        RAISE EXCEPTION 'a column has been dropped' USING ERRCODE = '42703';
    ELSIF keys IS NOT NULL THEN
        EXECUTE format('SELECT json_agg(json_build_array(k.place, CASE WHEN NOT $2 THEN b.body END, encode(sha256(convert_to(b.body, ''UTF8'')), ''hex'')))
            FROM json_array_elements($1) WITH ORDINALITY k (key, place) JOIN ONLY %%s t ON %%s CROSS JOIN LATERAL (SELECT %%s::text) b (body)', %4$s::regclass,
            (SELECT string_agg(format('%%s OPERATOR(pg_catalog.=) (k.key->>%%s)::%%s', columns[i], i - 1, types[i]), ' AND ') FROM generate_series(1, width) i),
            columns[width + 1])
        INTO result USING keys, hashes;
    ELSE
        EXECUTE format('SELECT json_agg(q.key) FROM (SELECT json_build_array(%%s) AS key FROM ONLY %%s t WHERE %%s IS NOT NULL%%s ORDER BY %%s LIMIT $2) q',
            (SELECT string_agg(columns[i] || '::text', ', ' ORDER BY i) FROM generate_series(1, width) i), %4$s::regclass, columns[width + 1],
            CASE WHEN after IS NOT NULL THEN (SELECT format(' AND ROW(%%s) > ROW(%%s)', string_agg(columns[i], ', ' ORDER BY i),
                string_agg(format('$1[%%s]::%%s', i, types[i]), ', ' ORDER BY i)) FROM generate_series(1, width) i) END,
            array_to_string(columns[:width], ', '))
        INTO result USING after, most;
    END IF;
    RETURN result;
END $function$
$f$, n.nspname, v.id, v.key_attnums || v.body_attnum, v.relation_oid, pgowl.vectorize_types(v.key_types), s.rolname)
    FROM pgml.vectorized v JOIN pg_class c ON c.oid = v.relation_oid JOIN pg_namespace n ON n.oid = c.relnamespace,
        pg_namespace p JOIN pg_roles s ON s.oid = p.nspowner
    WHERE v.id = $1 AND p.nspname = 'pgowl'
$$;

-- This, pgowl.vectorize_trouble and pgowl.vectorize_due are asked all the time by sessions that plan without sequential scans. Where a small catalog has no other way, that makes a plan so dear on paper
-- that the server would compile it, which takes half a second of its processor each time: hence SET jit.

-- Where the reader is: its OID, or NULL if there is none with just that text, of the table's owner.
CREATE OR REPLACE FUNCTION pgowl.vectorize_find_reader(number bigint) RETURNS regprocedure
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
DECLARE
    reader regprocedure := (SELECT p.oid
        FROM pgml.vectorized v JOIN pg_class c ON c.oid = v.relation_oid JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_proc p ON p.oid = to_regprocedure(format('%I.pgowl_vectorize_%s(json,text[],integer,boolean)', n.nspname, number)) AND p.proowner = c.relowner
        WHERE v.id = number);
BEGIN
    IF reader IS NOT NULL AND pg_get_functiondef(reader) = pgowl.vectorize_reader(number) THEN
        RETURN reader;
    END IF;
    RETURN NULL;
END $$;

-- The triggers of a vectorized column that are there and fire in ordinary sessions: four, where all is well.
CREATE OR REPLACE FUNCTION pgowl.vectorize_triggers(number bigint) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT count(*) FROM pgml.vectorized v JOIN pg_trigger t ON t.tgrelid = v.relation_oid
    WHERE v.id = $1 AND t.tgfoid = 'pgowl.vectorize_changed()'::regprocedure AND t.tgenabled IN ('O', 'A')
        AND t.tgargs = convert_to(format('%s', v.id), 'UTF8') || '\x00' || convert_to(array_to_string(v.key_attnums, ','), 'UTF8') || '\x00'
            || convert_to(format('%s', v.body_attnum), 'UTF8') || '\x00'
$$;

-- What keeps a column from being followed, and must be told: NULL where nothing does.
CREATE OR REPLACE FUNCTION pgowl.vectorize_trouble(number bigint) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
    SELECT CASE
        WHEN v.relation_oid <> v.relation THEN 'the table was restored from a dump: call pgml.vectorize again'
        WHEN EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = v.relation AND a.attnum = ANY (v.key_attnums) AND a.attisdropped)
            THEN 'a column of the key has been dropped: call pgml.vectorize again'
        -- Texts of any length are all the same. What ALTER TABLE makes of the column's own texts is pgowl.vectorize_rewritten's business.
        WHEN EXISTS (SELECT FROM unnest(v.key_attnums, v.key_types) k (attnum, type) JOIN pg_attribute a ON a.attrelid = v.relation AND a.attnum = k.attnum
                WHERE pgowl.vectorize_base(a.atttypid) <> k.type AND NOT (pgowl.vectorize_base(a.atttypid) IN ('text'::regtype, 'varchar'::regtype) AND k.type IN ('text'::regtype, 'varchar'::regtype)))
            THEN 'a column of the key has another type now: call pgml.vectorize again'
        WHEN pgowl.vectorize_triggers(v.id) < 4
            THEN 'a trigger of pgml.vectorize''s has been dropped or disabled, so changes may have been missed: call pgml.vectorize again'
        WHEN EXISTS (SELECT FROM pg_inherits i WHERE v.relation IN (i.inhparent, i.inhrelid))
            THEN 'the table has become part of an inheritance or partitioned, so changes may be missed: call pgml.unvectorize' END
    FROM pgml.vectorized v WHERE v.id = $1
$$;

-- Notes what the table is like now, and reports whether that is another than was noted: then the table was rewritten, or its text's type is another one, and what its rows are now no trigger has
-- seen. What has vectors and what has a text is to be compared anew.
CREATE OR REPLACE FUNCTION pgowl.vectorize_rewritten(number bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE pgml.vectorized v SET filenode = c.relfilenode, body_type = a.atttypid, body_typmod = a.atttypmod, backfill = 'stored', cursor = NULL,
        queued = 0, started_at = clock_timestamp(), done_at = NULL
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE v.id = number AND c.oid = v.relation AND a.attnum = v.body_attnum
        AND (v.filenode, v.body_type, v.body_typmod) IS DISTINCT FROM (c.relfilenode, a.atttypid::regtype, a.atttypmod);
    RETURN FOUND;
END $$;

-- What the table's owner has to run so that a column is followed, or is not any more.
CREATE OR REPLACE FUNCTION pgowl.vectorize_script(number bigint, caller name) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v pgml.vectorized;
    t record;
    service name := current_user;
    reader text;
    script text[];
BEGIN
    SELECT * INTO STRICT v FROM pgml.vectorized x WHERE x.id = number;
    SELECT c.oid::regclass AS name, c.relowner, n.nspname, n.nspowner INTO STRICT t
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = v.relation_oid;
    IF NOT has_schema_privilege(service, t.nspname, 'USAGE') THEN
        IF NOT pg_has_role(caller, t.nspowner, 'USAGE') THEN
            RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = format('permission denied for schema %I', t.nspname),
                DETAIL = 'PgOwl''s service connection may not use it.', HINT = format('GRANT USAGE ON SCHEMA %I TO %I;', t.nspname, service);
        END IF;
        script := ARRAY[format('GRANT USAGE ON SCHEMA %I TO %I', t.nspname, service)];
    END IF;
    IF NOT has_schema_privilege(t.relowner, t.nspname, 'CREATE') THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = format('permission denied for schema %I', t.nspname),
            DETAIL = 'pgml.vectorize makes a function of the table''s owner there, by which PgOwl reads the texts.',
            HINT = format('GRANT CREATE ON SCHEMA %I TO %I;', t.nspname, pg_get_userbyid(t.relowner));
    END IF;
    reader := format('%I.pgowl_vectorize_%s(json, text[], integer, boolean)', t.nspname, v.id);
    script := script || ARRAY[
        pgowl.vectorize_reader(number),
        format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', reader),
        format('GRANT EXECUTE ON FUNCTION %s TO %I', reader, service),
        format('ALTER FUNCTION %s OWNER TO %I', reader, pg_get_userbyid(t.relowner))];
    RETURN script || ARRAY(SELECT format('CREATE TRIGGER pgowl_vectorize_%s_%s AFTER %s ON %s %s FOR EACH STATEMENT EXECUTE FUNCTION pgowl.vectorize_changed(%L, %L, %L)',
            v.id, lower(e.event), e.event, t.name, e.tables, v.id, array_to_string(v.key_attnums, ','), v.body_attnum)
        FROM (VALUES ('INSERT', 'REFERENCING NEW TABLE AS pgowl_new'), ('UPDATE', 'REFERENCING OLD TABLE AS pgowl_old NEW TABLE AS pgowl_new'),
            ('DELETE', 'REFERENCING OLD TABLE AS pgowl_old'), ('TRUNCATE', '')) e (event, tables));
END $$;

CREATE OR REPLACE FUNCTION pgowl.vectorize_undo(number bigint) RETURNS text[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT ARRAY(SELECT format('DROP TRIGGER %I ON %s', t.tgname, t.tgrelid::regclass) FROM pg_trigger t
            WHERE t.tgrelid = v.relation AND t.tgname LIKE format('pgowl\_vectorize\_%s\_%%', v.id) AND NOT t.tgisinternal)
        || ARRAY(SELECT format('DROP FUNCTION %s', p.oid::regprocedure) FROM pg_class c JOIN pg_proc p ON p.pronamespace = c.relnamespace
            -- What others have put there under its name is not ours, and would keep the table's owner from dropping anything.
            WHERE c.oid = v.relation AND p.proname = format('pgowl_vectorize_%s', v.id) AND pg_has_role(c.relowner, p.proowner, 'USAGE')
                AND oidvectortypes(p.proargtypes) = 'json, text[], integer, boolean')
    FROM pgml.vectorized v WHERE v.id = $1
$$;

-- Makes the table of the vectors, and takes away what schema pgml has of a column. As members of the component it goes with the extension.
CREATE OR REPLACE FUNCTION pgowl.vectorize_make(number bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v pgml.vectorized;
    keys text;
    columns text;
BEGIN
    SELECT * INTO STRICT v FROM pgml.vectorized x WHERE x.id = number;
    SELECT string_agg(format('k%s', i), ', ' ORDER BY i), string_agg(format('k%s %s NOT NULL', i, (pgowl.vectorize_types(v.key_types))[i]), ', ' ORDER BY i)
    INTO keys, columns FROM generate_subscripts(v.key_types, 1) i;
    EXECUTE format('CREATE TABLE pgml.vectors_%s (row_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, %s, chunk_index integer NOT NULL, chunk text,
        embedding real[] NOT NULL, body_hash bytea NOT NULL, revision bigint NOT NULL, UNIQUE (%s, chunk_index))', v.id, columns, keys);
    EXECUTE format('CREATE INDEX ON pgml.vectors_%s (revision)', v.id);
    -- Vectors do not compress; trying it would only cost time.
    EXECUTE format('ALTER TABLE pgml.vectors_%s ALTER COLUMN embedding SET STORAGE EXTERNAL', v.id);
    EXECUTE format('REVOKE ALL ON pgml.vectors_%s FROM PUBLIC', v.id);
    INSERT INTO pgowl.members (component, identity) VALUES ('pgml', format('pg_class pgml.vectors_%s', v.id)) ON CONFLICT DO NOTHING;
END $$;

CREATE OR REPLACE FUNCTION pgowl.vectorize_drop(number bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET client_min_messages = warning
AS $$
DECLARE
    vectors regclass := to_regclass(format('pgml.vectors_%s', number));
BEGIN
    -- Batches lock this table before anything else that is locked here, so that none waits for us while we wait for it. Those under way are of no use any more.
    IF vectors IS NOT NULL THEN
        PERFORM pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
        WHERE l.locktype = 'relation' AND l.relation = vectors AND l.mode = 'RowExclusiveLock' AND l.granted AND a.datname = current_database()
            AND a.usename = current_user AND a.application_name = 'pgowl vectorize' AND l.pid <> pg_backend_pid();
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', vectors);
    END IF;
    DELETE FROM pgml.vectorized v WHERE v.id = number;
    DELETE FROM pgml.vector_queue q WHERE q.id = number;
    EXECUTE format('DROP TABLE IF EXISTS pgml.vectors_%s', number);
    DELETE FROM pgowl.members m WHERE m.component = 'pgml' AND m.identity = format('pg_class pgml.vectors_%s', number);
END $$;

-- Finds the column that a caller asks for, or says what is wrong. Where it is not to be followed from now on it may be anything that has become of it.
CREATE OR REPLACE FUNCTION pgowl.vectorize_check(relation oid, column_name text, caller name, making boolean, OUT attnum smallint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    t record;
    a record;
BEGIN
    SELECT c.*, c.oid::regclass AS name, c.relnamespace IN ('pg_catalog'::regnamespace, 'pg_toast'::regnamespace, 'information_schema'::regnamespace) AS system,
        EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid OR i.inhrelid = c.oid) AS inherits
    INTO t FROM pg_class c WHERE c.oid = relation;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '42P01', MESSAGE = 'relation does not exist';
    ELSIF NOT pg_has_role(caller, t.relowner, 'USAGE') THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = format('must be owner of table %s', t.relname);
    ELSIF NOT making THEN
        NULL;
    ELSIF t.relkind NOT IN ('r', 'p') THEN
        RAISE EXCEPTION USING ERRCODE = '42809', MESSAGE = format('"%s" is not a table', t.relname);
    ELSIF t.relkind = 'p' OR t.inherits THEN
        RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = format('pgml.vectorize does not follow partitioned tables, partitions and tables that inherit: "%s"', t.relname),
            DETAIL = 'A statement on the one fires no triggers of the other, and what ATTACH, DETACH and a partition''s own TRUNCATE change, none sees.',
            HINT = 'Vectorize an ordinary table with the keys and texts, which row triggers of yours (AFTER INSERT OR UPDATE OR DELETE ... FOR EACH ROW) on this one fill.';
    ELSIF t.relpersistence <> 'p' OR t.system THEN
        RAISE EXCEPTION USING ERRCODE = '42809', MESSAGE = format('"%s" is not a permanent table of a user', t.relname),
            HINT = 'Temporary and unlogged tables cannot be followed: they end or are emptied without a statement.';
    END IF;
    SELECT * INTO a FROM pg_attribute x WHERE x.attrelid = relation AND x.attname = column_name AND x.attnum > 0 AND NOT x.attisdropped;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '42703', MESSAGE = format('column "%s" of relation "%s" does not exist', column_name, t.relname);
    ELSIF making AND pgowl.vectorize_base(a.atttypid) <> ALL ('{text,varchar,bpchar,json,jsonb,xml}'::regtype[]) THEN
        RAISE EXCEPTION USING ERRCODE = '42804', MESSAGE = format('column "%s" is of type %s: pgml.vectorize takes texts', column_name, format_type(a.atttypid, NULL));
    ELSIF making AND a.attgenerated = 'v' THEN
        RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = format('column "%s" is a virtual generated column: pgml.vectorize takes stored ones', column_name);
    END IF;
    attnum := a.attnum;
END $$;

-- The revision of a model that the session's proxy computes with; NULL: it cannot be told. Two of one kind (the first word) are known to differ, those of different kinds are not.
CREATE OR REPLACE FUNCTION pgowl.vectorize_model(model text, kwargs jsonb) RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN nullif(pgowl.call('model_revision', ARRAY[convert_to(model, 'UTF8'), convert_to(kwargs::text, 'UTF8')]), '');
END $$;

CREATE OR REPLACE FUNCTION pgowl.vectorize_revised(a text, b text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT coalesce(a <> b AND split_part(a, ' ', 1) = split_part(b, ' ', 1), false) $$;

-- What is asked, done as the owner of schema pgml. It can't be called, only reached through the view.
CREATE OR REPLACE FUNCTION pgowl.vectorize_request() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    body smallint := pgowl.vectorize_check(NEW.relation, NEW.column_name, NEW.caller, NEW.action IN ('find', 'create'));
    v pgml.vectorized;
    k record;
BEGIN
    SELECT * INTO v FROM pgml.vectorized x WHERE x.relation = NEW.relation AND x.body_attnum = body;
    IF NEW.action = 'find' THEN
        IF FOUND THEN
            NEW.id := v.id;
            NEW.script := pgowl.vectorize_undo(v.id);
            -- NAME is short for sentence-transformers/NAME.
            IF (regexp_replace(v.model, '^sentence-transformers/', ''), v.splitter, v.kwargs, v.chunk_kwargs)
                    IS NOT DISTINCT FROM (regexp_replace(NEW.model, '^sentence-transformers/', ''), NEW.splitter, NEW.kwargs, NEW.chunk_kwargs)
                AND v.relation_oid = NEW.relation AND pgowl.vectorize_trouble(v.id) IS NULL AND pgowl.vectorize_find_reader(v.id) IS NOT NULL
                AND NOT pgowl.vectorize_revised(v.model_revision, NEW.model_revision)
            THEN
                NEW.script := NULL;
            END IF;
        END IF;
        RETURN NEW;
    ELSIF NEW.action = 'create' THEN
        k := pgowl.vectorize_key(NEW.relation);
        IF k.attnums IS NULL THEN
            RAISE EXCEPTION USING ERRCODE = CASE WHEN k.present THEN '0A000' ELSE '42P10' END,
                MESSAGE = format('table "%s" has no key by which pgml.vectorize could know its rows', (SELECT c.relname FROM pg_class c WHERE c.oid = NEW.relation)),
                HINT = CASE WHEN k.present THEN 'Its key is of a type or collation that is not supported: integers, numeric, texts, uuid, dates, timestamps and boolean are.'
                    ELSE 'Give it a primary key, or a unique index of columns that are NOT NULL.' END;
        END IF;
        IF v.id IS NOT NULL THEN
            PERFORM pgowl.vectorize_drop(v.id);
        END IF;
        -- Where others may make functions, too, they may have taken the reader's name for a number that is to come.
        LOOP
            NEW.id := nextval(pg_get_serial_sequence('pgml.vectorized', 'id'));
            EXIT WHEN NOT EXISTS (SELECT FROM pg_class c JOIN pg_proc p ON p.pronamespace = c.relnamespace
                WHERE c.oid = NEW.relation AND p.proname = format('pgowl_vectorize_%s', NEW.id));
        END LOOP;
        INSERT INTO pgml.vectorized (id, relation, relation_oid, key_attnums, key_names, key_types, body_attnum, body_name, model, kwargs, splitter, chunk_kwargs, dims, model_revision, created_by)
        VALUES (NEW.id, NEW.relation, NEW.relation, k.attnums, k.names, k.types, body, NEW.column_name, NEW.model, NEW.kwargs, NEW.splitter, NEW.chunk_kwargs, NEW.dims, NEW.model_revision, NEW.caller)
        RETURNING * INTO v;
        PERFORM pgowl.vectorize_rewritten(v.id);
        UPDATE pgml.vectorized x SET backfill = 'begin' WHERE x.id = v.id;
        PERFORM pgowl.vectorize_make(v.id);
        NEW.id := v.id;
        NEW.script := pgowl.vectorize_script(v.id, NEW.caller);
        RETURN NEW;
    ELSIF v.id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '42704', MESSAGE = format('column "%s" of relation "%s" is not vectorized', NEW.column_name,
            (SELECT c.relname FROM pg_class c WHERE c.oid = NEW.relation));
    END IF;
    NEW.id := v.id;
    CASE NEW.action
        WHEN 'remove' THEN NEW.script := pgowl.vectorize_undo(v.id);
        WHEN 'removed' THEN PERFORM pgowl.vectorize_drop(v.id);
        WHEN 'pause' THEN UPDATE pgml.vectorized x SET state = 'paused' WHERE x.id = v.id;
        WHEN 'resume' THEN UPDATE pgml.vectorized x SET state = 'active', error = NULL, error_at = NULL, failures = 0, retry_at = NULL WHERE x.id = v.id;
        WHEN 'retry' THEN
            UPDATE pgml.vectorized x SET error = NULL, error_at = NULL, failures = 0, retry_at = NULL WHERE x.id = v.id;
            -- Those that are tried just now are left out: who tries them will want the row that was just updated.
            WITH waiting AS (SELECT q.ctid FROM pgml.vector_queue q WHERE q.id = v.id AND q.attempts > 0 FOR UPDATE SKIP LOCKED)
            UPDATE pgml.vector_queue q SET attempts = 0, not_before = '-infinity' FROM waiting w WHERE q.ctid = w.ctid;
            WITH failed AS (DELETE FROM pgml.vectorize_failed f WHERE f.id = v.id RETURNING f.key)
            INSERT INTO pgml.vector_queue (id, relation, key) SELECT v.id, v.relation_oid, f.key FROM failed f;
        ELSE RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('there is no action %L for a vectorized column', NEW.action);
    END CASE;
    RETURN NEW;
END $$;

DO $$
BEGIN
    -- CREATE OR REPLACE TRIGGER came with Postgres 14.
    IF NOT EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgrelid = 'pgowl.vectorize_requests'::regclass AND t.tgname = 'work') THEN
        CREATE TRIGGER work INSTEAD OF INSERT ON pgowl.vectorize_requests FOR EACH ROW EXECUTE FUNCTION pgowl.vectorize_request();
    END IF;
END $$;

-- pgml.vectorize behind the look-up of the name, with the caller's rights.
CREATE OR REPLACE FUNCTION pgowl.vectorize(relation oid, relation_name text, column_name text, model text, splitter text, kwargs jsonb, chunk_kwargs jsonb) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found record;
    made record;
    statement text;
    dims integer;
    revision text;
BEGIN
    IF relation IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '42P01', MESSAGE = format('relation "%s" does not exist', relation_name);
    ELSIF column_name IS NULL OR model IS NULL OR kwargs IS NULL OR chunk_kwargs IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'of pgml.vectorize''s arguments chunk alone may be NULL';
    ELSIF splitter IS NULL AND chunk_kwargs <> '{}' THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'pgml.vectorize: chunk_kwargs are options of a splitter, and chunk names none',
            HINT = 'Add chunk => ''recursive_character'', or leave chunk_kwargs out: without a splitter a row has one vector.';
    END IF;
    -- One at a time for a table: the second sees what the first has made.
    PERFORM pg_advisory_xact_lock(1886545782, relation::bigint::bit(32)::integer);
    INSERT INTO pgowl.vectorize_requests (action, relation, column_name, model, splitter, kwargs, chunk_kwargs)
    VALUES ('find', relation, column_name, model, splitter, kwargs, chunk_kwargs) RETURNING id, script INTO found;
    IF found.id IS NOT NULL AND found.script IS NULL THEN
        -- But for the model, which may be of another revision now.
        revision := pgowl.vectorize_model(model, kwargs);
        INSERT INTO pgowl.vectorize_requests (action, relation, column_name, model, splitter, kwargs, chunk_kwargs, model_revision)
        VALUES ('find', relation, column_name, model, splitter, kwargs, chunk_kwargs, revision) RETURNING id, script INTO found;
        IF found.script IS NULL THEN
            RAISE NOTICE 'column "%" of relation "%" is vectorized just so already', column_name, relation_name;
            RETURN found.id;
        END IF;
    END IF;
    -- Both say what is wrong with the model, the splitter and their options, and the first how long vectors are.
    dims := cardinality(pgml.embed(model, relation_name, kwargs));
    revision := pgowl.vectorize_model(model, kwargs);
    IF splitter IS NOT NULL THEN
        PERFORM pgml.chunk(splitter, relation_name, chunk_kwargs);
    END IF;
    IF found.id IS NOT NULL THEN
        RAISE NOTICE 'the vectors of column "%" of relation "%" are made anew', column_name, relation_name;
        FOREACH statement IN ARRAY found.script LOOP
            EXECUTE statement;
        END LOOP;
    END IF;
    INSERT INTO pgowl.vectorize_requests (action, relation, column_name, model, splitter, kwargs, chunk_kwargs, dims, model_revision)
    VALUES ('create', relation, column_name, model, splitter, kwargs, chunk_kwargs, dims, revision) RETURNING id, script INTO made;
    FOREACH statement IN ARRAY made.script LOOP
        EXECUTE statement;
    END LOOP;
    RETURN made.id;
END $$;

-- Keeps vectors of a column's texts, in a table of PgOwl's. It gives the number of that, which views and messages mention. Called again with other settings, it
-- begins anew: the vectors that were there go at once.
CREATE OR REPLACE FUNCTION pgml.vectorize(relation_name text, column_name text, model text DEFAULT 'sentence-transformers/all-MiniLM-L6-v2', chunk text DEFAULT NULL,
    kwargs jsonb DEFAULT '{}', chunk_kwargs jsonb DEFAULT '{}') RETURNS bigint
LANGUAGE sql VOLATILE PARALLEL UNSAFE
AS $$ SELECT pgowl.vectorize(pg_catalog.to_regclass($1)::pg_catalog.oid, $1, $2, $3, $4, $5, $6) $$;

-- The rest of what is asked, with the caller's rights.
CREATE OR REPLACE FUNCTION pgowl.vectorize_ask(action text, relation oid, relation_name text, column_name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    answer record;
    statement text;
BEGIN
    IF relation IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '42P01', MESSAGE = format('relation "%s" does not exist', relation_name);
    END IF;
    PERFORM pg_advisory_xact_lock(1886545782, relation::bigint::bit(32)::integer);
    INSERT INTO pgowl.vectorize_requests (action, relation, column_name) VALUES (action, relation, column_name) RETURNING id, script INTO answer;
    IF action = 'remove' THEN
        FOREACH statement IN ARRAY answer.script LOOP
            EXECUTE statement;
        END LOOP;
        INSERT INTO pgowl.vectorize_requests (action, relation, column_name) VALUES ('removed', relation, column_name);
    END IF;
END $$;

-- Takes the vectors, triggers and everything else of a vectorized column away.
CREATE OR REPLACE FUNCTION pgml.unvectorize(relation_name text, column_name text) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
AS $$ SELECT pgowl.vectorize_ask('remove', pg_catalog.to_regclass($1)::pg_catalog.oid, $1, $2) $$;

-- Nothing is embedded until pgml.vectorize_resume; changes are noted meanwhile.
CREATE OR REPLACE FUNCTION pgml.vectorize_pause(relation_name text, column_name text) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
AS $$ SELECT pgowl.vectorize_ask('pause', pg_catalog.to_regclass($1)::pg_catalog.oid, $1, $2) $$;

CREATE OR REPLACE FUNCTION pgml.vectorize_resume(relation_name text, column_name text) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
AS $$ SELECT pgowl.vectorize_ask('resume', pg_catalog.to_regclass($1)::pg_catalog.oid, $1, $2) $$;

-- Tries again what failed: the rows that were given up (pgml.vectorize_errors), those that wait for their next attempt, and the whole.
CREATE OR REPLACE FUNCTION pgml.vectorize_retry(relation_name text, column_name text) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
AS $$ SELECT pgowl.vectorize_ask('retry', pg_catalog.to_regclass($1)::pg_catalog.oid, $1, $2) $$;

-- How far the vectorized columns are that the user may read. rows is an estimate, waiting does not count what back-filling has not come to yet. Back-filling ends with the last row
-- that it has queued, but for those that failed.
CREATE OR REPLACE VIEW pgml.vectorize_status AS
    SELECT v.id, v.relation, a.attname::text AS column_name, v.model, v.splitter AS chunk,
        CASE WHEN v.relation_oid <> v.relation THEN 'restored' WHEN v.state = 'active' AND v.error IS NOT NULL THEN 'failing'
            WHEN v.state = 'active' AND (v.backfill <> 'done' OR q.filling > 0) THEN 'backfilling' ELSE v.state END AS state,
        greatest(c.reltuples::bigint, v.rows_embedded) AS rows, v.rows_embedded, v.vectors, q.waiting, f.failed,
        CASE WHEN v.backfill = 'done' AND q.filling = 0 THEN 1 WHEN t.total > 0 THEN round(least(0.999, t.filled::numeric / t.total), 3) ELSE 0 END AS progress,
        q.oldest AS waiting_since, v.started_at, CASE WHEN q.filling = 0 THEN v.done_at END AS done_at,
        CASE WHEN t.filled > 0 AND t.total > t.filled
            THEN clock_timestamp() + (clock_timestamp() - v.started_at) * ((t.total - t.filled)::double precision / t.filled) END AS done_expected_at,
        v.error AS last_error, v.error_at, v.retry_at, v.created_by, v.created_at
    FROM pgml.vectorized v
    JOIN pg_catalog.pg_class c ON c.oid = v.relation
    JOIN pg_catalog.pg_attribute a ON a.attrelid = v.relation AND a.attnum = v.body_attnum
    CROSS JOIN LATERAL (SELECT count(*) AS waiting, min(w.queued_at) AS oldest, count(*) FILTER (WHERE w.backfill AND w.attempts = 0) AS filling
        FROM pgml.vector_queue w WHERE w.id = v.id AND w.relation = v.relation_oid) q
    CROSS JOIN LATERAL (SELECT greatest(0, v.queued - q.filling) AS filled, CASE WHEN v.backfill = 'done' THEN v.queued ELSE greatest(v.expected, v.queued) END AS total) t
    CROSS JOIN LATERAL (SELECT count(*) AS failed FROM pgml.vectorize_failed w WHERE w.id = v.id) f
    WHERE pg_catalog.has_column_privilege(v.relation, v.body_attnum, 'SELECT');
GRANT SELECT ON pgml.vectorize_status TO PUBLIC;

-- Rows that have no current vectors because they failed, for the tables' owners: those that were given up, and those that are tried again.
CREATE OR REPLACE VIEW pgml.vectorize_errors AS
    SELECT v.relation, a.attname::text AS column_name, e.key, e.error, e.attempts, e.failed_at, e.retry_at
    FROM pgml.vectorized v
    JOIN pg_catalog.pg_class c ON c.oid = v.relation
    JOIN pg_catalog.pg_attribute a ON a.attrelid = v.relation AND a.attnum = v.body_attnum
    CROSS JOIN LATERAL (
        SELECT f.key, f.error, f.attempts, f.failed_at, NULL::timestamptz AS retry_at FROM pgml.vectorize_failed f WHERE f.id = v.id
        UNION ALL
        -- The attempt failed so long before the next one (pause in exec/vectorize/write.go).
        SELECT q.key, q.error, q.attempts, q.not_before - least(600, power(2, least(q.attempts - 1, 10))) * interval '1 s', q.not_before FROM pgml.vector_queue q WHERE q.id = v.id AND q.relation = v.relation_oid AND q.attempts > 0
    ) e
    WHERE pg_catalog.pg_has_role(c.relowner, 'USAGE');
GRANT SELECT ON pgml.vectorize_errors TO PUBLIC;

-- What there is to do: columns with rows that wait, at most so many are counted, or that are not back-filled yet, or whose table was rewritten; and those that have been dropped, with their tables or without. A row
-- without a number says that nothing is vectorized.
CREATE OR REPLACE FUNCTION pgowl.vectorize_due(most integer, OUT id bigint, OUT waiting bigint, OUT dropped boolean) RETURNS SETOF record
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
BEGIN
    RETURN QUERY SELECT v.id, w.waiting, a.attnum IS NULL
        FROM pgml.vectorized v
        LEFT JOIN pg_class c ON c.oid = v.relation
        LEFT JOIN pg_attribute a ON a.attrelid = v.relation AND a.attnum = v.body_attnum AND NOT a.attisdropped
        CROSS JOIN LATERAL (SELECT count(*) AS waiting FROM (
            SELECT FROM pgml.vector_queue q WHERE q.id = v.id AND q.relation = v.relation_oid AND q.not_before <= clock_timestamp() LIMIT most) x) w
        WHERE a.attnum IS NULL OR v.state = 'active' AND (v.retry_at IS NULL OR v.retry_at <= clock_timestamp())
            AND (w.waiting > 0 OR v.backfill <> 'done' OR v.error IS NOT NULL
                OR v.relation_oid = v.relation AND (v.filenode, v.body_type, v.body_typmod) IS DISTINCT FROM (c.relfilenode, a.atttypid::regtype, a.atttypmod));
    IF NOT FOUND AND NOT EXISTS (SELECT FROM pgml.vectorized) THEN
        RETURN NEXT;
    END IF;
END $$;

REVOKE ALL ON FUNCTION pgowl.vectorize_base(oid), pgowl.vectorize_types(regtype[]), pgowl.vectorize_key(oid), pgowl.vectorize_reader(bigint), pgowl.vectorize_find_reader(bigint),
    pgowl.vectorize_triggers(bigint), pgowl.vectorize_trouble(bigint), pgowl.vectorize_rewritten(bigint), pgowl.vectorize_script(bigint, name), pgowl.vectorize_undo(bigint), pgowl.vectorize_make(bigint),
    pgowl.vectorize_revised(text, text), pgowl.vectorize_drop(bigint), pgowl.vectorize_check(oid, text, name, boolean), pgowl.vectorize_request(), pgowl.vectorize_due(integer) FROM PUBLIC;
