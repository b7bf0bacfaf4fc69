package vectorize

import (
	"fmt"
	"strings"
	"testing"
)

// Who may do what, and what each sees.
func TestRights(t *testing.T) {
	w := open(t)
	w.run(w.me, "CREATE TABLE docs (id int PRIMARY KEY, body text, secret text); INSERT INTO docs VALUES (1, 'one', 's'), (2, 'two', 's')")
	bob := w.dial(strings.Replace(w.owl, w.alice, w.bob, 1))
	docs := w.alice + ".docs"
	w.refused(bob, "42501", "SELECT pgml.vectorize('"+docs+"', 'body')")
	id := w.ask(w.me, "SELECT pgml.vectorize('docs', 'body')")
	w.settled()
	for _, f := range []string{"unvectorize", "vectorize_pause", "vectorize_resume", "vectorize_retry"} {
		w.refused(bob, "42501", fmt.Sprintf("SELECT pgml.%s('%s', 'body')", f, docs))
	}
	// Nobody reads by what PgOwl reads by, not the table's owner either.
	w.refused(bob, "42501", fmt.Sprintf("SELECT %s.pgowl_vectorize_%s('[[\"1\"]]', NULL, 0, false)", w.alice, id))
	w.refused(w.me, "42501", fmt.Sprintf("SELECT %s.pgowl_vectorize_%s('[[\"1\"]]', NULL, 0, false)", w.alice, id))
	for _, table := range []string{"vectorized", "vector_queue", "vectors_gone", "vectorize_failed", "vectors_" + id} {
		w.refused(bob, "42501", "SELECT * FROM pgml."+table)
		w.refused(w.me, "42501", "SELECT * FROM pgml."+table)
	}
	w.refused(bob, "42501", "INSERT INTO pgowl.vectorize_requests (action, relation, column_name, caller) VALUES ('removed', '"+docs+"'::regclass, 'body', '"+w.alice+"')")
	w.refused(bob, "42501", "INSERT INTO pgowl.vectorize_requests (action, relation, column_name) VALUES ('removed', "+w.ask(w.super, "SELECT '"+docs+"'::regclass::oid")+", 'body')")
	for _, f := range []string{"vectorize_drop(1)", "vectorize_due(1)", "vectorize_reader(1)", "vectorize_make(1)"} {
		w.refused(bob, "42501", "SELECT pgowl."+f)
	}
	if got := w.ask(bob, "SELECT count(*) FROM pgml.vectorize_status"); got != "0" {
		t.Errorf("bob sees the status of %s tables that he may not read", got)
	}
	w.run(w.me, "GRANT SELECT (body) ON docs TO "+w.bob)
	if got := w.ask(bob, "SELECT relation || ' ' || column_name || ' ' || state || ' ' || rows_embedded FROM pgml.vectorize_status"); got != docs+" body active 2" {
		t.Errorf("bob sees %s", got)
	}
	// Who writes need not know, and the trigger on another table reaches nothing.
	w.run(w.me, "GRANT INSERT ON docs TO "+w.bob)
	w.run(bob, "INSERT INTO "+docs+" VALUES (3, 'of bob', 's')")
	w.settled()
	w.same(id, docs, "id", "body")
	w.run(w.super, "GRANT CREATE ON SCHEMA "+w.alice+" TO "+w.bob)
	w.run(bob, fmt.Sprintf(`CREATE TABLE %[1]s.mine (id int, body text);
		CREATE TRIGGER t AFTER TRUNCATE ON %[1]s.mine FOR EACH STATEMENT EXECUTE FUNCTION pgowl.vectorize_changed('%[2]s', '1', '2');
		TRUNCATE %[1]s.mine`, w.alice, id))
	if got := w.ask(w.super, "SELECT state || ' ' || rows_embedded FROM pgml.vectorize_status"); got != "active 3" {
		t.Errorf("after somebody else's trigger: %s", got)
	}
}

// Row-level security neither hides rows from PgOwl nor lets anybody's code run as its role.
func TestRowLevelSecurity(t *testing.T) {
	w := open(t)
	w.run(w.me, `CREATE TABLE seen (who name, session name);
		CREATE FUNCTION spy(i int) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
			IF current_user = '`+w.owner+`' THEN RAISE EXCEPTION 'runs as %', current_user; END IF; RETURN true; END $$;
		CREATE FUNCTION spy_immutable(i int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
			IF current_user = '`+w.owner+`' THEN RAISE EXCEPTION 'runs as %', current_user; END IF; RETURN i; END $$;
		CREATE TABLE docs (id int PRIMARY KEY, body text);
		CREATE INDEX ON docs ((id + spy_immutable(1)));
		CREATE INDEX ON docs (id) WHERE id > spy_immutable(0);
		INSERT INTO docs SELECT i, 'text ' || i FROM generate_series(1, 20) i;
		ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
		CREATE POLICY p ON docs USING (spy(1) AND id % 2 = 0)`)
	id := w.ask(w.me, "SELECT pgml.vectorize('docs', 'body')")
	w.settled()
	w.same(id, w.alice+".docs", "id", "body")
	w.run(w.me, "CREATE POLICY q ON docs AS RESTRICTIVE USING (spy(1) AND id > 10); UPDATE docs SET body = 'new ' || id")
	w.settled()
	w.same(id, w.alice+".docs", "id", "body")
	// FORCE hides rows from the owner, so they cannot be told from deleted ones: the vectors stay, and the status says why nothing goes on.
	w.run(w.me, "UPDATE docs SET body = 'newer ' || id; ALTER TABLE docs FORCE ROW LEVEL SECURITY")
	w.settledOr(id)
	w.run(w.super, "UPDATE "+w.alice+".docs SET body = 'newest ' || id")
	w.await("SELECT state || ' ' || (last_error LIKE '%row-level security%') FROM pgml.vectorize_status", "failing true")
	if got := w.ask(w.super, "SELECT count(*) FROM pgml.vectors_"+id); got != "20" {
		t.Errorf("%s vectors are left of 20", got)
	}
	w.run(w.me, "ALTER TABLE docs NO FORCE ROW LEVEL SECURITY; SELECT pgml.vectorize_retry('docs', 'body')")
	w.settled()
	w.same(id, w.alice+".docs", "id", "body")
}

// settledOr waits until the queue is empty or the column fails.
func (w *world) settledOr(id string) {
	w.t.Helper()
	w.await("SELECT error IS NOT NULL OR NOT EXISTS (SELECT FROM pgml.vector_queue) FROM pgml.vectorized WHERE id = "+id, "true")
}

// A table's owner who puts another function in the reader's place gets nothing run.
func TestAnotherReader(t *testing.T) {
	w := open(t)
	w.run(w.me, "CREATE TABLE docs (id int PRIMARY KEY, body text); INSERT INTO docs VALUES (1, 'one'); CREATE TABLE caught (who text)")
	w.run(w.me, "GRANT INSERT ON caught TO PUBLIC")
	id := w.ask(w.me, "SELECT pgml.vectorize('docs', 'body')")
	w.settled()
	evil := `CREATE OR REPLACE FUNCTION READER(keys json, after text[], most integer, hashes boolean) RETURNS json LANGUAGE plpgsql HOW AS $$
		BEGIN PERFORM pg_advisory_lock(4711); RETURN NULL; END $$`
	// Functions that are IMMUTABLE are the planner's to call, at once if parameters have no values yet.
	w.run(w.super, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET plan_cache_mode = force_generic_plan', current_database()); END $$")
	w.run(w.super, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgowl vectorize' AND datname = current_database()")
	for _, sql := range []string{strings.ReplaceAll(evil, "HOW", ""), strings.ReplaceAll(evil, "HOW", "IMMUTABLE"), strings.ReplaceAll(evil, "HOW", "SECURITY DEFINER"), "ALTER FUNCTION READER SECURITY INVOKER",
		"ALTER FUNCTION READER SET search_path = public", "DROP FUNCTION READER", "ALTER FUNCTION READER RENAME TO other"} {
		w.run(w.me, strings.ReplaceAll(sql, "READER", "pgowl_vectorize_"+id))
		w.run(w.me, "UPDATE docs SET body = body || '!'")
		w.await("SELECT state || ' ' || (last_error LIKE '%as pgml.vectorize made it%') FROM pgml.vectorize_status", "failing true")
		if got := w.ask(w.super, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711"); got != "0" {
			t.Fatalf("it was called after %s", sql)
		}
		// Called again, pgml.vectorize makes everything anew.
		id = w.ask(w.me, "SELECT pgml.vectorize('docs', 'body')")
		w.settled()
		w.same(id, w.alice+".docs", "id", "body")
	}
}

// The trigger on a table of anybody's, without transition tables, does not read his temporary views in their place, which would call his functions as the trigger's owner.
func TestTriggerWithoutTransitionTables(t *testing.T) {
	w := open(t)
	w.run(w.me, `CREATE TABLE mine (id int, body text);
		CREATE TABLE pgowl_new (id int, body text);
		CREATE FUNCTION spy() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'runs as %', current_user; END $$;
		CREATE TRIGGER i AFTER INSERT ON mine FOR EACH STATEMENT EXECUTE FUNCTION pgowl.vectorize_changed('1', '1', '2');
		CREATE TRIGGER u AFTER UPDATE ON mine FOR EACH STATEMENT EXECUTE FUNCTION pgowl.vectorize_changed('1', '1', '2');
		CREATE TRIGGER d AFTER DELETE ON mine FOR EACH STATEMENT EXECUTE FUNCTION pgowl.vectorize_changed('1', '1', '2')`)
	statements := []string{"INSERT INTO mine VALUES (1, 'one')", "UPDATE mine SET body = 'two'", "DELETE FROM mine"}
	for _, sql := range statements {
		w.refused(w.me, "42P01", sql)
	}
	for _, name := range []string{"pgowl_new", "pgowl_old"} {
		w.run(w.me, "CREATE TEMP VIEW "+name+" AS SELECT 1 AS id, spy() AS body; GRANT SELECT ON pg_temp."+name+" TO PUBLIC")
		for _, sql := range statements {
			w.refused(w.me, "42P07", sql)
		}
		w.run(w.me, "DROP VIEW pg_temp."+name)
	}
}

// Functions that others have put into the table's schema under the readers' names are in nobody's way.
func TestNamesTaken(t *testing.T) {
	w := open(t)
	shared := "shared_" + w.alice
	w.run(w.super, fmt.Sprintf("CREATE SCHEMA %s; GRANT ALL ON SCHEMA %[1]s TO PUBLIC", shared))
	bob := w.dial(strings.Replace(w.owl, w.alice, w.bob, 1))
	take := func(args string, from, to int) {
		w.run(bob, fmt.Sprintf("DO $$ BEGIN FOR i IN %d..%d LOOP EXECUTE format('CREATE FUNCTION %s.pgowl_vectorize_%%s(%s) RETURNS json LANGUAGE sql AS $f$ SELECT NULL::json $f$', i); END LOOP; END $$",
			from, to, shared, args))
	}
	take("json, text[], integer, boolean", 1, 30)
	w.run(w.me, fmt.Sprintf("CREATE TABLE %s.docs (id int PRIMARY KEY, body text); INSERT INTO %[1]s.docs VALUES (1, 'one')", shared))
	if id := w.ask(w.me, "SELECT pgml.vectorize('"+shared+".docs', 'body')"); id != "31" {
		t.Fatalf("the column's number is %s, want 31", id)
	}
	take("integer", 31, 31)
	w.settled()
	w.same("31", shared+".docs", "id", "body")
	w.run(w.me, "SELECT pgml.unvectorize('"+shared+".docs', 'body')")
	if got := w.ask(w.super, "SELECT string_agg(pronargs::text, ' ') FROM pg_proc WHERE pronamespace = '"+shared+"'::regnamespace AND proname = 'pgowl_vectorize_31'"); got != "1" {
		t.Errorf("functions of so many arguments are left: %s", got)
	}
}

// What a statement runs that changes a vectorized table runs as who it ran as before.
func TestHostileTypes(t *testing.T) {
	w := open(t)
	w.run(w.me, `CREATE FUNCTION spy(text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
			IF current_user = '`+w.owner+`' THEN RAISE EXCEPTION 'runs as %', current_user; END IF; RETURN true; END $$;
		CREATE DOMAIN d AS text CHECK (spy(VALUE));
		CREATE DOMAIN dd AS d;
		CREATE TABLE docs (id dd PRIMARY KEY, body dd);
		INSERT INTO docs VALUES ('a', 'one'), ('b', 'two');
		CREATE TYPE t AS (v text);
		CREATE FUNCTION cast_t(t) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
			IF current_user = '`+w.owner+`' THEN RAISE EXCEPTION 'casts as %', current_user; END IF; RETURN ($1).v; END $$;
		CREATE CAST (t AS text) WITH FUNCTION cast_t(t) AS IMPLICIT;
		CREATE FUNCTION eq_t(t, t) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
			IF current_user = '`+w.owner+`' THEN RAISE EXCEPTION 'compares as %', current_user; END IF; RETURN ($1).v = ($2).v; END $$;
		CREATE OPERATOR = (LEFTARG = t, RIGHTARG = t, FUNCTION = eq_t)`)
	id := w.ask(w.me, "SELECT pgml.vectorize('docs', 'body')")
	w.settled()
	w.run(w.me, "INSERT INTO docs VALUES ('c', 'three'); UPDATE docs SET body = 'four' WHERE id = 'a'; DELETE FROM docs WHERE id = 'b'")
	w.settled()
	w.same(id, w.alice+".docs", "id", "body")
	// The column becomes one of a type with a cast and an operator of its own.
	w.run(w.me, "ALTER TABLE docs ALTER body TYPE t USING ROW(body)::t")
	w.run(w.me, "INSERT INTO docs VALUES ('d', ROW('five')::t); UPDATE docs SET body = ROW('six')::t WHERE id = 'a'; UPDATE docs SET body = NULL WHERE id = 'c'")
	w.settledOr(id)
}

// Tables and columns that cannot be followed are refused.
func TestRefusals(t *testing.T) {
	w := open(t)
	w.run(w.me, `CREATE TABLE docs (id int PRIMARY KEY, body text, n int, v tsvector);
		CREATE TABLE nokey (id int, body text);
		CREATE TABLE nullable (id int UNIQUE, body text);
		CREATE TABLE floats (id float PRIMARY KEY, body text);
		CREATE TABLE parts (id int PRIMARY KEY, body text) PARTITION BY RANGE (id);
		CREATE TABLE part PARTITION OF parts DEFAULT;
		CREATE TABLE child () INHERITS (docs);
		CREATE VIEW view AS SELECT 1 AS id, ''::text AS body;
		CREATE UNLOGGED TABLE fast (id int PRIMARY KEY, body text);
		CREATE TEMP TABLE temp (id int PRIMARY KEY, body text);
		CREATE TABLE fine (a uuid NOT NULL, b timestamptz NOT NULL, c char(4) NOT NULL, body varchar(100), UNIQUE (a, b, c))`)
	for sql, code := range map[string]string{
		"'none', 'body'": "42P01", "'docs', 'body'": "0A000", "'nokey', 'body'": "42P10", "'nullable', 'body'": "42P10", "'floats', 'body'": "0A000",
		"'parts', 'body'": "0A000", "'part', 'body'": "0A000", "'child', 'body'": "0A000", "'view', 'body'": "42809", "'fast', 'body'": "42809", "'temp', 'body'": "42809",
		"'fine', 'none'": "42703", "'nokey', 'id'": "42804", "'fine', 'body', model => 'none'": "XX000", "'fine', 'body', model => '../x'": "22023", "'fine', 'body', model => NULL": "22004",
		"'fine', 'body', kwargs => '{\"x\": 1}'": "22023", "'fine', 'body', chunk => 'none'": "XX000", "'fine', 'body', chunk => 'character', chunk_kwargs => '{\"chunk_size\": \"x\"}'": "22023",
		"'fine', 'ctid'": "42703", "NULL, 'body'": "42P01", "'fine', 'body', chunk_kwargs => '{\"chunk_size\": 5}'": "22023",
	} {
		w.refused(w.me, code, "SELECT pgml.vectorize("+sql+")")
	}
	w.refused(w.me, "42704", "SELECT pgml.unvectorize('fine', 'body')")
	w.run(w.me, "INSERT INTO fine VALUES ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '2020-01-01 12:00+02', 'ab', 'of three keys'); SET datestyle = 'German'; SET timezone = 'Asia/Kolkata'")
	id := w.ask(w.me, "SELECT pgml.vectorize('fine', 'body')")
	w.run(w.me, "INSERT INTO fine VALUES ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12', '2020-03-02 12:00+02', 'abcd', 'another'); UPDATE fine SET b = b + interval '1 day 0.000001 s'")
	w.settled()
	if got := w.ask(w.super, fmt.Sprintf("SELECT count(*) FROM pgml.vectors_%s v JOIN %s.fine f ON f.a = v.k1 AND f.b = v.k2 AND f.c = v.k3 AND v.body_hash = sha256(convert_to(f.body, 'UTF8'))", id, w.alice)); got != "2" {
		t.Errorf("%s rows of 2", got)
	}
	if got := w.ask(w.super, "SELECT count(*) FROM pgml.vectors_"+id); got != "2" {
		t.Errorf("%s vectors of 2", got)
	}
	for _, same := range []string{"", ", model => 'all-MiniLM-L6-v2'", ", 'sentence-transformers/all-MiniLM-L6-v2', NULL, '{}', '{}'"} {
		if again := w.ask(w.me, "SELECT pgml.vectorize('fine', 'body'"+same+")"); again != id {
			t.Errorf("the same settings again%s: %s, not %s", same, again, id)
		}
	}
	// What has become of it since does not keep it.
	w.run(w.me, "CREATE TABLE heir () INHERITS (fine); UPDATE fine SET body = 'x'")
	w.await("SELECT last_error LIKE '%inheritance%' FROM pgml.vectorize_status", "true")
	w.run(w.me, "ALTER TABLE fine ALTER body TYPE bytea USING ''; SELECT pgml.unvectorize('fine', 'body'); INSERT INTO fine SELECT * FROM fine LIMIT 0")
}
