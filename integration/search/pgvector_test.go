package search

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/integration/pgtest"
)

// withPgvector starts a server that has pgvector, and gives a database's URL there.
func withPgvector(t *testing.T) string {
	t.Helper()
	folder := os.Getenv("PGTEST_PGVECTOR")
	if _, err := os.Stat(filepath.Join(folder, "postgres")); folder == "" || err != nil {
		t.Skip("no Postgres with pgvector: PGTEST_PGVECTOR, which make setup-tests brings")
	}
	return pgtest.Start(t, pgtest.Binaries(folder)).URL("postgres")
}

// usesIndex waits until the server has counted scans of a vectorized table's index by a session that has searched. A session tells what it has counted when it has ended a statement, but once a second at most unless
// it is asked to.
func usesIndex(t *testing.T, searcher, other *pgx.Conn) {
	t.Helper()
	run(t, searcher, "SELECT pg_stat_force_next_flush()")
	for start := time.Now(); value(t, other, "SELECT idx_scan::text FROM pg_stat_user_indexes WHERE indexrelname = 'vectors_1_hnsw'") == "0"; run(t, other, "SELECT pg_sleep(0.05)") {
		if time.Since(start) > patience {
			t.Fatal("the index is not used")
		}
	}
}

// With pgvector in a schema that is in nobody's path, a table that is searched gets an index, by which it is searched from then on: nearly all that comparing everything finds, with
// the same scores, and what the caller may see alone.
func TestPgvector(t *testing.T) {
	owl, straight := open(t, withPgvector(t), options(t))
	run(t, straight, `CREATE SCHEMA "Their own"; CREATE EXTENSION vector SCHEMA "Their own"`)
	run(t, straight, `INSERT INTO docs SELECT i, substr('abc', 1 + i % 3, 1), 'text ' || i FROM generate_series(1, 12000) i`)
	dice := rand.New(rand.NewPCG(9, 10))
	change(t, straight, 1, func(tx pgx.Tx, revision int64) {
		_, err := tx.CopyFrom(t.Context(), pgx.Identifier{"pgml", "vectors_1"}, []string{"k1", "embedding", "body_hash", "revision"}, pgx.CopyFromSlice(12000, func(i int) ([]any, error) {
			return []any{i + 1, randomVector(dice), []byte{}, revision}, nil
		}))
		if err == nil {
			_, err = tx.Exec(t.Context(), "UPDATE pgml.vectors_1 SET body_hash = sha256(convert_to('text ' || k1, 'UTF8'))")
		}
		if err == nil {
			_, err = tx.Exec(t.Context(), "UPDATE pgml.vectorized SET vectors = 12000")
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	run(t, straight, "ANALYZE")
	c := dial(t, owl)
	value(t, c, searched, "hello", 10)
	for start := time.Now(); value(t, straight, "SELECT count(*)::text FROM pg_index WHERE indexrelid = to_regclass('pgml.vectors_1_hnsw') AND indisvalid") == "0"; {
		if time.Since(start) > patience {
			t.Fatal("there is no index")
		}
		run(t, straight, "SELECT pg_sleep(0.05)")
	}
	found, all := 0, 0
	for i := range 6 {
		query := fmt.Sprint("hello ", i)
		want := value(t, c, compared, query, 20)
		if i == 0 {
			if got := value(t, c, `SELECT string_agg((key->>'id') || ':' || score, ' ' ORDER BY rank) FROM pgml.search('docs', $1, $2, exact => true)`, query, 20); got != want {
				t.Errorf("exact:\n got %s\nwant %s", got, want)
			}
		}
		got := value(t, c, searched, query, 20)
		for _, row := range strings.Fields(want) {
			all++
			if strings.Contains(" "+got+" ", " "+row+" ") {
				found++
			}
		}
	}
	if found*100 < all*97 {
		t.Errorf("%d of %d rows are found", found, all)
	}
	t.Logf("recall %.4f", float64(found)/float64(all))
	usesIndex(t, c, straight)
	for _, s := range []struct{ sql, want string }{
		{"SELECT count(*)::text FROM pgml.search('docs', 'hello', 1000)", "1000"},
		{"SELECT count(*)::text FROM pgml.search('docs', 'hello', 1001)", "1001"},
		{"SELECT count(*)::text FROM pgml.search('docs', 'hello', 100000)", "12000"},
		{"SELECT string_agg(DISTINCT query_index || ':' || n, ' ') FROM (SELECT query_index, count(*) AS n FROM pgml.search('docs', ARRAY['hello', 'a b'], 4) GROUP BY 1) s", "1:4 2:4"},
		{"SELECT coalesce(current_setting('hnsw.ef_search', true), '40') || coalesce(current_setting('hnsw.iterative_scan', true), 'off')", "40off"},
	} {
		if got := value(t, c, s.sql); got != s.want {
			t.Errorf("%s: %s, want %s", s.sql, got, s.want)
		}
	}
	run(t, c, "SET hnsw.ef_search = 77")
	value(t, c, searched, "hello", 10)
	if got := value(t, c, "SHOW hnsw.ef_search"); got != "77" {
		t.Error("a search leaves ef_search at", got)
	}
	run(t, c, "BEGIN; SELECT * FROM pgml.search('docs', 'hello')")
	if got := value(t, c, "SHOW hnsw.ef_search"); got != "77" {
		t.Error("inside a transaction a search leaves ef_search at", got)
	}
	run(t, c, "ROLLBACK")

	// A row that is written is found at once, and one that is gone is not.
	change(t, straight, 1, func(tx pgx.Tx, revision int64) {
		_, err := tx.Exec(t.Context(), `INSERT INTO docs VALUES (20000, 'a', 'new')`)
		if err == nil {
			_, err = tx.Exec(t.Context(), fmt.Sprintf(`INSERT INTO pgml.vectors_1 (k1, embedding, body_hash, revision) VALUES (20000, '%s', sha256('new'), %d)`,
				value(t, c, "SELECT pgml.embed('plain', 'hello')::text"), revision))
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	if got := value(t, c, "SELECT key->>'id' || ' ' || chunk FROM pgml.search('docs', 'hello', 1)"); got != "20000 new" {
		t.Error("a new row is not found:", got)
	}
	run(t, straight, "DELETE FROM docs WHERE id = 20000")
	if got := value(t, c, "SELECT count(*) || ' ' || count(*) FILTER (WHERE key->>'id' = '20000') FROM pgml.search('docs', 'hello', 5)"); got != "5 0" {
		t.Error("a row that is gone is found:", got)
	}

	// Policies.
	run(t, straight, `CREATE ROLE search_some LOGIN; GRANT SELECT ON docs TO search_some; ALTER TABLE docs ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON docs USING (id % 1000 = 0)`)
	some := as(t, owl, "search_some")
	for k, want := range map[int]string{5: "5", 100: "12"} {
		if got := value(t, some, "SELECT count(*)::text FROM pgml.search('docs', 'hello', $1) WHERE (key->>'id')::int % 1000 = 0", k); got != want {
			t.Errorf("behind a policy: %s of %s rows", got, want)
		}
	}
	// Without the extension everything is compared again.
	run(t, straight, `DROP EXTENSION vector CASCADE`)
	if got, want := value(t, c, searched, "hello", 10), value(t, c, compared, "hello", 10); got != want {
		t.Errorf("without pgvector:\n got %s\nwant %s", got, want)
	}
}
