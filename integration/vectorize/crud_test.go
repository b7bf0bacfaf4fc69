package vectorize

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// All that changes a table, by sessions of both kinds.
func TestChangesAreFollowed(t *testing.T) {
	w := open(t)
	w.run(w.me, "CREATE TABLE docs (id bigint PRIMARY KEY, note text, body text); INSERT INTO docs SELECT i, 'n', 'text number ' || i FROM generate_series(1, 100) i; INSERT INTO docs VALUES (101, 'null', NULL)")
	id := w.ask(w.me, "SELECT pgml.vectorize('docs', 'body', model => '"+model+"')")
	w.settled()
	w.same(id, w.alice+".docs", "id", "body")
	straight := w.dial(w.as(w.alice))
	rev := func() string { return w.ask(w.super, "SELECT revision FROM pgml.vectorized WHERE id = "+id) }
	for i, sql := range []string{
		"INSERT INTO docs VALUES (200, '', 'a new one'), (201, '', NULL), (202, '', '')",
		"UPDATE docs SET body = 'another text ' || id WHERE id % 10 = 0",
		"UPDATE docs SET body = NULL WHERE id % 10 = 1",
		"UPDATE docs SET body = 'back' WHERE id % 20 = 1",
		"UPDATE docs SET id = -id WHERE id % 10 = 2",
		"UPDATE docs SET id = id + 1000, body = body || '!' WHERE id % 10 = 3",
		"DELETE FROM docs WHERE id % 10 = 4",
		"INSERT INTO docs VALUES (5, '', 'upserted'), (300, '', 'inserted') ON CONFLICT (id) DO UPDATE SET body = excluded.body",
		"BEGIN; UPDATE docs SET body = 'never'; ROLLBACK",
		"BEGIN; UPDATE docs SET body = 'kept' WHERE id = 6; SAVEPOINT s; UPDATE docs SET body = 'dropped' WHERE id IN (6, 7); ROLLBACK TO s; INSERT INTO docs VALUES (400, '', 'after'); COMMIT",
		"BEGIN; DELETE FROM docs WHERE id = 6; INSERT INTO docs VALUES (6, '', 'once more'); COMMIT",
		"WITH gone AS (DELETE FROM docs WHERE id = 7 RETURNING *) INSERT INTO docs SELECT id + 500, note, body FROM gone",
		"BEGIN; TRUNCATE docs; INSERT INTO docs VALUES (1, '', 'first again'); COMMIT",
		"TRUNCATE docs",
		"INSERT INTO docs SELECT i, '', 'second life ' || i FROM generate_series(1, 50) i",
	} {
		conn := w.me
		if i%2 == 1 {
			conn = straight
		}
		w.run(conn, sql)
		w.settled()
		w.same(id, w.alice+".docs", "id", "body")
		if t.Failed() {
			t.Fatalf("after %s", sql)
		}
	}
	if _, err := straight.CopyFrom(t.Context(), pgx.Identifier{"docs"}, []string{"id", "body"}, pgx.CopyFromRows([][]any{{int64(900), "copied"}, {int64(901), "copied, too"}})); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(w.ask(w.super, "SELECT current_setting('server_version_num')"), "13") && !strings.HasPrefix(w.ask(w.super, "SELECT current_setting('server_version_num')"), "14") {
		w.run(w.me, `MERGE INTO docs d USING (VALUES (900, 'merged'), (902, 'merged in')) s (id, body) ON d.id = s.id
			WHEN MATCHED THEN UPDATE SET body = s.body WHEN NOT MATCHED THEN INSERT (id, body) VALUES (s.id, s.body)`)
	}
	w.settled()
	w.same(id, w.alice+".docs", "id", "body")
	before := rev()
	w.run(w.me, "UPDATE docs SET note = 'changed'; UPDATE docs SET body = body")
	if got := w.ask(w.super, "SELECT count(*) FROM pgml.vector_queue"); got != "0" {
		t.Errorf("%s rows wait though no text has changed", got)
	}
	if rev() != before {
		t.Error("something was written though no text has changed")
	}
	// Columns and tables that are called otherwise.
	w.run(w.me, `ALTER TABLE docs RENAME body TO "bo""dy"; ALTER TABLE docs RENAME id TO "key"; ALTER TABLE docs RENAME TO papers`)
	w.run(w.me, `INSERT INTO papers VALUES (1000, '', 'renamed')`)
	w.settled()
	w.same(id, w.alice+".papers", "key", `"bo""dy"`)
	// Its end.
	w.run(w.me, `SELECT pgml.unvectorize('papers', 'bo"dy')`)
	for _, sql := range []string{"SELECT to_regclass('pgml.vectors_" + id + "')::text", "SELECT string_agg(tgname, ',') FROM pg_trigger WHERE tgname LIKE 'pgowl%' AND NOT tgisinternal",
		"SELECT string_agg(proname, ',') FROM pg_proc WHERE proname ~ '^pgowl_vectorize_[0-9]'", "SELECT string_agg(id::text, ',') FROM pgml.vectorized"} {
		if got := w.ask(w.super, sql); got != "NULL" {
			t.Errorf("left behind: %s", got)
		}
	}
}
