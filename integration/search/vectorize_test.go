package search

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/integration/owltest"
	"github.com/pgowl/pgowl/integration/pgtest"
)

// settled waits until nothing is left to be embedded.
func settled(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	const left = `SELECT ((SELECT count(*) FROM pgml.vectorized WHERE backfill <> 'done') + (SELECT count(*) FROM pgml.vector_queue))::text`
	for start := time.Now(); value(t, conn, left) != "0"; run(t, conn, "SELECT pg_sleep(0.05)") {
		if time.Since(start) > patience {
			t.Fatal("not settled: ", value(t, conn, "SELECT json_agg(s)::text FROM pgml.vectorize_status s"))
		}
	}
}

// What pgml.vectorize keeps is what is found: rows and chunks, by a role that is not theirs, on a stack whose owner is no superuser.
func TestVectorized(t *testing.T) {
	o := options(t)
	url := pgtest.Database(t)
	straight := dial(t, url)
	name := value(t, straight, "SELECT current_database()")
	owner, reader := "owner_"+name, "reader_"+name
	run(t, straight, fmt.Sprintf(`CREATE ROLE %s LOGIN; CREATE ROLE %s LOGIN; GRANT CREATE ON DATABASE %s TO %[1]s`, owner, reader, name))
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			return
		}
		defer conn.Close(ctx)
		for _, role := range []string{reader, owner} {
			if _, err := conn.Exec(ctx, fmt.Sprintf("DROP OWNED BY %s CASCADE; DROP ROLE %[1]s", role)); err != nil {
				t.Error(err)
			}
		}
	})
	o.Service, o.Vectorize = withRole(t, url, owner), true
	through, _ := owltest.Start(t, url, o)
	c, r := dial(t, through), as(t, through, reader)
	run(t, c, `CREATE TABLE notes (id bigint PRIMARY KEY, title text, body text)`)
	run(t, c, `INSERT INTO notes SELECT i, 'hello ' || i, repeat('one two three. ', i) FROM generate_series(1, 30) i`)
	run(t, c, `GRANT USAGE ON SCHEMA public TO `+owner+`; GRANT SELECT ON notes TO `+reader)
	run(t, c, `SELECT pgml.vectorize('notes', 'title', model => 'plain')`)
	run(t, c, `SELECT pgml.vectorize('notes', 'body', model => 'plain', chunk => 'recursive_character', chunk_kwargs => '{"chunk_size": 60, "chunk_overlap": 0}')`)
	settled(t, straight)
	want := func(q string, k int) string {
		return value(t, c, `SELECT coalesce(string_agg(id::text, ' ' ORDER BY n), '') FROM (SELECT id, row_number() OVER (ORDER BY pgml.cosine_similarity(pgml.embed('plain', title)::float8[], pgml.embed('plain', $1)::float8[]) DESC, id) AS n
			FROM notes) s WHERE n <= $2`, q, k)
	}
	titles := `SELECT coalesce(string_agg(key->>'id', ' ' ORDER BY rank), '') FROM pgml.search('notes', $1, $2, 'title')`
	for _, conn := range []*pgx.Conn{c, r} {
		if got := value(t, conn, titles, "hello 12", 1); got != want("hello 12", 1) {
			t.Errorf("titles: %s, want %s", got, want("hello 12", 1))
		}
		if got := value(t, conn, `SELECT (count(*) > 30 AND bool_and(chunk LIKE '%one two three%' AND length(chunk) <= 60) AND count(DISTINCT key) = 30 AND max(chunk_index) > 1)::text FROM pgml.search('notes', 'one', 1000, 'body')`); got != "true" {
			t.Error("chunks:", got)
		}
	}
	run(t, c, `UPDATE notes SET title = 'something else' WHERE id % 2 = 0; DELETE FROM notes WHERE id > 20`)
	// Nothing of the old texts, whether or not the new vectors are there.
	if got := value(t, r, `SELECT count(*)::text FROM pgml.search('notes', 'hello 12', 100, 'title') s JOIN notes n ON n.id = (s.key->>'id')::bigint WHERE n.title <> s.chunk`); got != "0" {
		t.Error("texts that are no more:", got)
	}
	settled(t, straight)
	if got := value(t, r, `SELECT count(*)::text FROM pgml.search('notes', 'hello', 100, 'title')`); got != "20" {
		t.Error("after changes:", got)
	}
	run(t, c, `SELECT pgml.unvectorize('notes', 'title')`)
	wantError(t, r, `SELECT * FROM pgml.search('notes', 'x', 1, 'title')`, "42704", `column "title" of public.notes is not vectorized`)
	if got := value(t, r, `SELECT count(*)::text FROM pgml.search('notes', 'x', 3)`); got != "3" {
		t.Error("the other column:", got)
	}
}
