package vectorize

import (
	"fmt"
	"testing"
)

// What rewrites a table without a statement that triggers see is noticed, and only rows whose text is another one are embedded again.
func TestRewrittenTables(t *testing.T) {
	w := open(t)
	w.run(w.me, "CREATE TABLE docs (id int PRIMARY KEY, body text); INSERT INTO docs SELECT i, 'text ' || i FROM generate_series(1, 300) i")
	id := w.ask(w.me, "SELECT pgml.vectorize('docs', 'body')")
	w.settled()
	docs := w.alice + ".docs"
	noted := "SELECT v.filenode = c.relfilenode AND v.backfill = 'done' FROM pgml.vectorized v JOIN pg_class c ON c.oid = v.relation"
	for _, c := range []struct {
		sql  string
		anew string // rows with vectors of another revision than before
	}{
		{"VACUUM FULL docs", "0"},
		{"CLUSTER docs USING docs_pkey", "0"},
		{"ALTER TABLE docs ADD COLUMN at timestamptz DEFAULT clock_timestamp()", "0"},
		{"ALTER TABLE docs ALTER body TYPE varchar(100)", "0"}, // without being rewritten in its type's view, it is looked at
		{"ALTER TABLE docs ALTER body TYPE text USING CASE WHEN id % 60 = 0 THEN 'another ' || id ELSE body END", "5"},
		{"ALTER TABLE docs ALTER body TYPE text USING CASE WHEN id % 60 <> 1 THEN body END", "0"},                    // some have no text any more
		{"ALTER TABLE docs ALTER body TYPE text USING CASE WHEN id % 60 <> 1 THEN body ELSE 'back ' || id END", "5"}, // and have again
		{"ALTER TABLE docs ALTER id TYPE int USING CASE WHEN id <= 10 THEN id + 10000 ELSE id END", "10"},            // rows by other keys
		{"BEGIN; ALTER TABLE docs ALTER body TYPE text USING body || '!'; TRUNCATE docs; INSERT INTO docs VALUES (1, 'a'), (2, 'b'); COMMIT", "2"},
		{"BEGIN; ALTER TABLE docs ALTER body TYPE text USING body || '!'; UPDATE docs SET body = body || '?' WHERE id = 1; COMMIT", "2"},
	} {
		before := w.ask(w.super, "SELECT revision FROM pgml.vectorized")
		w.run(w.me, c.sql)
		w.await(noted, "true")
		w.settled()
		w.same(id, docs, "id", "body")
		if got := w.ask(w.super, fmt.Sprintf("SELECT count(*) FROM pgml.vectors_%s WHERE revision > %s", id, before)); got != c.anew {
			t.Errorf("%s: %s rows were embedded again, want %s", c.sql, got, c.anew)
		}
		if t.Failed() {
			t.Fatalf("after %s", c.sql)
		}
	}
	if got := w.ask(w.super, "SELECT state FROM pgml.vectorize_status"); got != "active" {
		t.Errorf("state %s", got)
	}
}

// With several columns as the key, and more rows than are compared at a time.
func TestRewrittenKeys(t *testing.T) {
	w := open(t)
	w.run(w.me, "CREATE TABLE docs (a text, b timestamptz, body text, PRIMARY KEY (a, b)); INSERT INTO docs SELECT 'it''s ' || i / 100, timestamptz '2020-01-01' + i * interval '1 us', 'same' FROM generate_series(1, 2100) i")
	id := w.ask(w.me, "SELECT pgml.vectorize('docs', 'body')")
	w.settled()
	w.run(w.me, "ALTER TABLE docs ALTER a TYPE text USING 'another ' || a")
	w.await("SELECT v.filenode = c.relfilenode FROM pgml.vectorized v JOIN pg_class c ON c.oid = v.relation", "true")
	w.settled()
	if got := w.ask(w.super, fmt.Sprintf("SELECT count(*) || ' ' || count(*) FILTER (WHERE k1 LIKE 'another it''s %%') FROM pgml.vectors_%s v JOIN %s.docs d ON d.a = v.k1 AND d.b = v.k2", id, w.alice)); got != "2100 2100" {
		t.Errorf("rows %s", got)
	}
	if got := w.ask(w.super, "SELECT rows_embedded || ' ' || (SELECT count(*) FROM pgml.vectors_"+id+") FROM pgml.vectorized"); got != "2100 2100" {
		t.Errorf("counted %s", got)
	}
}
