package vectorize

import (
	"fmt"
	"strings"
	"testing"
)

// What proxies ask all the time is not compiled, which costs the server half a second where it plans without sequential scans.
func TestNothingIsCompiled(t *testing.T) {
	w := open(t)
	if got := w.ask(w.super, `SELECT string_agg(proname, ' ' ORDER BY proname) FROM pg_proc WHERE pronamespace = 'pgowl'::regnamespace AND 'jit=off' = ANY (proconfig)`); got != "vectorize_due vectorize_find_reader vectorize_trouble" {
		t.Errorf("without jit: %s", got)
	}
}

// Pausing, resuming, other settings, chunks; columns and tables that go.
func TestCourse(t *testing.T) {
	w := open(t)
	w.run(w.me, "CREATE TABLE docs (id int PRIMARY KEY, body text, title text); INSERT INTO docs SELECT i, 'text ' || i, 'title ' || i FROM generate_series(1, 20) i")
	id := w.ask(w.me, "SELECT pgml.vectorize('docs', 'body')")
	title := w.ask(w.me, "SELECT pgml.vectorize('docs', 'title', kwargs => '{\"normalize_embeddings\": true}')")
	w.settled()
	w.run(w.me, "SELECT pgml.vectorize_pause('docs', 'body'); UPDATE docs SET body = 'other ' || id, title = 'other ' || id")
	w.await("SELECT string_agg(column_name || ' ' || state || ' ' || waiting, ', ' ORDER BY id) FROM pgml.vectorize_status", "body paused 20, title active 0")
	w.run(w.me, "SELECT pgml.vectorize_resume('docs', 'body')")
	w.settled()
	w.same(id, w.alice+".docs", "id", "body")
	w.same(title, w.alice+".docs", "id", "title")
	// Back-filling is not over while rows that it has queued wait.
	w.run(w.super, "INSERT INTO pgml.vector_queue (id, relation, key, backfill, not_before) SELECT id, relation, '{1}', true, 'infinity' FROM pgml.vectorized WHERE id = "+id)
	if got := w.ask(w.super, "SELECT state || ' ' || progress || ' ' || (done_at IS NULL) || ' ' || (done_expected_at > now()) FROM pgml.vectorize_status WHERE id = "+id); got != "backfilling 0.950 true true" {
		t.Errorf("status %s", got)
	}
	w.run(w.super, "DELETE FROM pgml.vector_queue WHERE not_before = 'infinity'")
	if got := w.ask(w.super, "SELECT state || ' ' || progress || ' ' || (done_at > started_at) FROM pgml.vectorize_status WHERE id = "+id); got != "active 1 true" {
		t.Errorf("status %s", got)
	}
	// With other settings the vectors are made anew.
	next := w.ask(w.me, "SELECT pgml.vectorize('docs', 'title', chunk => 'recursive_character', chunk_kwargs => '{\"chunk_size\": 5, \"chunk_overlap\": 0}')")
	w.settled()
	if got := w.ask(w.super, "SELECT count(*) FROM pgml.vectors_"+next); got != "40" {
		t.Errorf("%s chunks", got)
	}
	if got := w.ask(w.super, "SELECT to_regclass('pgml.vectors_"+title+"')"); got != "NULL" {
		t.Error("the vectors of before are still there")
	}
	w.run(w.me, "UPDATE docs SET title = 'one' WHERE id = 1; UPDATE docs SET title = '' WHERE id = 2; UPDATE docs SET title = 'four words make more' WHERE id = 3")
	w.settled()
	check := w.dial(w.superOwl())
	if got := w.ask(check, fmt.Sprintf(`SELECT count(*) FROM (
		(SELECT k1, chunk_index::bigint, chunk FROM pgml.vectors_%[1]s EXCEPT SELECT d.id, c.* FROM %[2]s.docs d, pgml.chunk('recursive_character', d.title, '{"chunk_size": 5, "chunk_overlap": 0}') c)
		UNION ALL (SELECT d.id, c.* FROM %[2]s.docs d, pgml.chunk('recursive_character', d.title, '{"chunk_size": 5, "chunk_overlap": 0}') c EXCEPT SELECT k1, chunk_index::bigint, chunk FROM pgml.vectors_%[1]s)) x`,
		next, w.alice)); got != "0" {
		t.Errorf("%s chunks differ", got)
	}
	if got := w.ask(check, fmt.Sprintf("SELECT min(pgml.cosine_similarity(embedding, pgml.embed('%s', chunk))) > 0.99999 FROM pgml.vectors_%s", model, next)); got != "true" {
		t.Error("vectors are not those of their chunks")
	}
	if got := w.ask(w.super, "SELECT rows_embedded || ' ' || (vectors = (SELECT count(*) FROM pgml.vectors_"+next+")) FROM pgml.vectorized WHERE id = "+next); got != "19 true" {
		t.Errorf("counted %s", got)
	}
	// A trigger that is off is noticed, and so is a column that has gone; writing to the table goes on.
	w.run(w.me, "ALTER TABLE docs DISABLE TRIGGER pgowl_vectorize_"+id+"_insert; UPDATE docs SET body = 'x' WHERE id = 1")
	w.await("SELECT state || ' ' || (last_error LIKE '%trigger%') FROM pgml.vectorize_status WHERE id = "+id, "failing true")
	w.run(w.me, "INSERT INTO docs VALUES (99, 'unseen', 'seen')")
	id = w.ask(w.me, "SELECT pgml.vectorize('docs', 'body')")
	w.settled()
	w.same(id, w.alice+".docs", "id", "body")
	w.run(w.me, "ALTER TABLE docs DROP COLUMN title")
	w.run(w.me, "INSERT INTO docs VALUES (100, 'y'); UPDATE docs SET body = 'z' WHERE id = 1; DELETE FROM docs WHERE id = 2; TRUNCATE docs; INSERT INTO docs VALUES (1, 'body')")
	w.await("SELECT count(*) FROM pgml.vectorized WHERE id = "+next, "0")
	w.await("SELECT count(*) || ' ' || min(rows_embedded) FROM pgml.vectorize_status WHERE id = "+id+" AND waiting = 0 AND state = 'active'", "1 1")
	// A dump and restore gives the table another OID.
	w.run(w.super, "UPDATE pgml.vectorized SET relation_oid = 1")
	if got := w.ask(w.super, "SELECT state FROM pgml.vectorize_status"); got != "restored" {
		t.Errorf("state %s", got)
	}
	again := w.ask(w.me, "SELECT pgml.vectorize('docs', 'body')")
	w.settled()
	w.same(again, w.alice+".docs", "id", "body")
	// Another owner reads by another function.
	w.run(w.super, fmt.Sprintf("GRANT CREATE ON SCHEMA %[1]s TO %[2]s; ALTER TABLE %[1]s.docs OWNER TO %[2]s; UPDATE %[1]s.docs SET body = 'of another owner'; GRANT %[1]s TO %[2]s", w.alice, w.bob))
	w.await("SELECT state || ' ' || (last_error LIKE '%permission denied%') FROM pgml.vectorize_status", "failing true")
	bob := w.dial(strings.Replace(w.owl, w.alice, w.bob, 1))
	again = w.ask(bob, "SELECT pgml.vectorize('"+w.alice+".docs', 'body')")
	w.settled()
	w.same(again, w.alice+".docs", "id", "body")
	// A key that goes.
	w.run(bob, "ALTER TABLE "+w.alice+".docs DROP COLUMN id")
	w.run(bob, "UPDATE "+w.alice+".docs SET body = 'unseen'")
	w.run(w.super, "UPDATE pgml.vectorized SET error = 'look'")
	w.await("SELECT state || ' ' || (last_error LIKE '%key%') FROM pgml.vectorize_status", "failing true")
	w.run(bob, "DROP TABLE "+w.alice+".docs")
	w.await("SELECT (SELECT count(*) FROM pgml.vectorized) + (SELECT count(*) FROM pgml.vector_queue) + (SELECT count(*) FROM pg_class WHERE relname ~ '^vectors_[0-9]')", "0")
	// The extension goes with its vectors, and comes back.
	w.run(w.me, "CREATE TABLE docs (id int PRIMARY KEY, body text); INSERT INTO docs VALUES (1, 'body')")
	w.ask(w.me, "SELECT pgml.vectorize('docs', 'body')")
	owner := w.dial(strings.Replace(w.owl, w.alice, w.owner, 1))
	w.settled()
	w.run(owner, "CREATE EXTENSION IF NOT EXISTS pgml; DROP EXTENSION pgml")
	w.run(w.me, "INSERT INTO docs VALUES (2, 'more'); UPDATE docs SET body = 'b'; DELETE FROM docs WHERE id = 1; TRUNCATE docs; INSERT INTO docs VALUES (3, 'body')")
	w.run(owner, "CREATE EXTENSION pgml")
	w.run(w.me, "INSERT INTO docs VALUES (4, 'more')")
	w.run(w.me, "CREATE TABLE others (id int PRIMARY KEY, body text)")
	w.run(w.me, "SELECT pgml.vectorize('others', 'body')")
	w.run(w.me, "INSERT INTO others VALUES (4, 'more')")
	w.await("SELECT rows_embedded FROM pgml.vectorize_status", "1")
}

// A text that cannot be embedded is tried again, and given up in the end; others are not held up.
func TestErrors(t *testing.T) {
	w := open(t)
	w.run(w.me, "CREATE TABLE docs (id int PRIMARY KEY, body text)")
	// More chunks than there may be.
	id := w.ask(w.me, "SELECT pgml.vectorize('docs', 'body', chunk => 'character', chunk_kwargs => '{\"separator\": \"\", \"chunk_size\": 1, \"chunk_overlap\": 0}')")
	w.run(w.me, "INSERT INTO docs VALUES (1, 'good'), (2, 'bad once'), (3, 'fine')")
	w.settled()
	w.run(w.me, "UPDATE docs SET body = repeat('x', 100001) WHERE id = 2; UPDATE docs SET body = 'better' WHERE id = 3")
	w.await("SELECT (SELECT count(*) FROM pgml.vector_queue) || ' ' || (SELECT count(*) FROM pgml.vectors_"+id+" WHERE k1 = 3)", "1 6")
	w.await("SELECT key::text || ' ' || (attempts > 0) || ' ' || (error <> '') || ' ' || (retry_at > failed_at) FROM pgml.vectorize_errors", "{2} true true true")
	// The waiting is done by the test.
	w.run(w.super, "UPDATE pgml.vector_queue SET not_before = '-infinity', attempts = 9")
	w.await("SELECT (SELECT count(*) FROM pgml.vector_queue) || ' ' || attempts || ' ' || (retry_at IS NULL) FROM pgml.vectorize_errors", "0 10 true")
	if got := w.ask(w.super, "SELECT failed || ' ' || rows_embedded || ' ' || state FROM pgml.vectorize_status"); got != "1 2 active" {
		t.Errorf("status %s", got)
	}
	if got := w.ask(w.super, "SELECT count(*) FROM pgml.vectors_"+id+" WHERE k1 = 2"); got != "0" {
		t.Errorf("%s vectors of an earlier text are left", got)
	}
	w.run(w.super, "UPDATE "+w.alice+".docs SET body = body WHERE id = 2")
	w.run(w.me, "SELECT pgml.vectorize_retry('docs', 'body')")
	w.await("SELECT count(*) FROM pgml.vectorize_errors WHERE attempts = 1 AND retry_at IS NOT NULL", "1")
	w.run(w.me, "UPDATE docs SET body = 'short' WHERE id = 2")
	w.settled()
	if got := w.ask(w.super, "SELECT failed || ' ' || rows_embedded || ' ' || vectors FROM pgml.vectorize_status"); got != "0 3 15" {
		t.Errorf("status %s", got)
	}
	// A row that was given up and then goes has not failed any more.
	w.run(w.me, "INSERT INTO docs VALUES (4, repeat('x', 100001))")
	w.await("SELECT max(attempts) > 0 FROM pgml.vector_queue", "true")
	w.run(w.super, "UPDATE pgml.vector_queue SET not_before = '-infinity', attempts = 9")
	w.await("SELECT failed || ' ' || waiting FROM pgml.vectorize_status", "1 0")
	w.run(w.me, "DELETE FROM docs WHERE id = 4")
	w.settled()
	w.await("SELECT (SELECT count(*) FROM pgml.vectorize_errors) || ' ' || failed || ' ' || rows_embedded FROM pgml.vectorize_status", "0 0 3")
	// Trouble of the whole uses up no row's attempts.
	w.run(w.super, "LOCK TABLE pgml.vectors_"+id+" IN SHARE ROW EXCLUSIVE MODE; UPDATE pgml.vectorized SET model = 'none'") // nobody who has read the other name is still at work
	w.run(w.me, "UPDATE docs SET body = 'again' WHERE id = 1")
	w.await("SELECT state || ' ' || (last_error LIKE '%\"none\"%') || ' ' || waiting || ' ' || failed FROM pgml.vectorize_status", "failing true 1 0")
	if got := w.ask(w.super, "SELECT max(attempts) FROM pgml.vector_queue"); got != "0" {
		t.Errorf("%s attempts", got)
	}
	w.run(w.super, "UPDATE pgml.vectorized SET model = '"+model+"'")
	w.run(w.me, "SELECT pgml.vectorize_retry('docs', 'body')")
	w.settled()
	w.await("SELECT state FROM pgml.vectorize_status", "active")
}

// Columns that go, come and are asked things while batches are under way.
func TestRemovalInTheMiddle(t *testing.T) {
	w := open(t)
	w.run(w.me, "CREATE TABLE docs (id int PRIMARY KEY, body text); INSERT INTO docs SELECT i, repeat('many words ', 100) || i FROM generate_series(1, 1000) i")
	for range 5 {
		w.ask(w.me, "SELECT pgml.vectorize('docs', 'body')")
		w.await("SELECT rows_embedded > 0 FROM pgml.vectorized", "true")
		w.run(w.me, "SELECT pgml.vectorize_retry('docs', 'body'); UPDATE docs SET body = body || '!' WHERE id < 50; SELECT pgml.vectorize_pause('docs', 'body'); SELECT pgml.vectorize_resume('docs', 'body')")
		w.run(w.me, "SELECT pgml.unvectorize('docs', 'body')")
	}
	w.await("SELECT (SELECT count(*) FROM pgml.vectorized) + (SELECT count(*) FROM pg_class WHERE relname ~ '^vectors_[0-9]')", "0")
}

// A key that has another type is told; a text that may be longer is no other.
func TestKeyOfAnotherType(t *testing.T) {
	w := open(t)
	w.run(w.me, "CREATE TABLE docs (id int, name varchar(10), body text, PRIMARY KEY (id, name)); INSERT INTO docs VALUES (1, 'a', 'one'), (2, 'b', 'two')")
	id := w.ask(w.me, "SELECT pgml.vectorize('docs', 'body')")
	w.settled()
	w.run(w.me, "ALTER TABLE docs ALTER name TYPE text; UPDATE docs SET body = 'three' WHERE id = 1")
	w.settled()
	if again := w.ask(w.me, "SELECT pgml.vectorize('docs', 'body')"); again != id {
		t.Errorf("column %s became %s", id, again)
	}
	w.run(w.me, "ALTER TABLE docs ALTER id TYPE bigint USING id + 5000000000; UPDATE docs SET body = 'four' WHERE name = 'a'")
	w.await("SELECT state || ' ' || (last_error LIKE '%another type%') FROM pgml.vectorize_status", "failing true")
	w.run(w.me, "SELECT pgml.vectorize('docs', 'body')")
	w.settled()
	if got := w.ask(w.me, "SELECT string_agg(key::text, ' ' ORDER BY chunk) FROM pgml.search('docs', 'four')"); got != `{"id": 5000000001, "name": "a"} {"id": 5000000002, "name": "b"}` {
		t.Errorf("found %s", got)
	}
}
