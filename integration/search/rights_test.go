package search

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/integration/pgtest"
)

// withRole is an address for another role.
func withRole(t *testing.T, address, role string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.User(role)
	return u.String()
}

// as gives a session of another role at the same address.
func as(t *testing.T, address, role string) *pgx.Conn {
	t.Helper()
	return dial(t, withRole(t, address, role))
}

// A role sees what its own SELECT shows it, and hears of nothing else.
func TestRights(t *testing.T) {
	owl, straight := open(t, pgtest.Database(t), options(t))
	fill(t, straight, rand.New(rand.NewPCG(5, 6)), 300)
	for _, role := range []string{"search_reader", "search_part", "search_none", "search_member", "search_refused"} {
		run(t, straight, "CREATE ROLE "+role+" LOGIN")
		t.Cleanup(func() {
			ctx := context.WithoutCancel(t.Context())
			straight.Exec(ctx, "DROP OWNED BY "+role)
			straight.Exec(ctx, "DROP ROLE "+role)
		})
	}
	run(t, straight, `GRANT SELECT ON docs TO search_reader, search_member, search_refused; GRANT SELECT (id) ON docs TO search_part`)
	reader, member := as(t, owl, "search_reader"), as(t, owl, "search_member")
	if got := value(t, reader, `SELECT count(*)::text FROM pgml.search('docs', 'hello', 1000)`); got != "300" {
		t.Error("a reader finds", got)
	}
	for role, conn := range map[string]*pgx.Conn{"part": as(t, owl, "search_part"), "none": as(t, owl, "search_none")} {
		wantError(t, conn, `SELECT * FROM pgml.search('docs', 'hello')`, "42501", "permission denied for table public.docs")
		if t.Failed() {
			t.Log("role:", role)
		}
		wantError(t, conn, "TABLE pgml.vectors_1", "42501", "permission denied")
		wantError(t, conn, "TABLE pgml.vectorized", "42501", "permission denied")
	}

	// Rows that a policy hides do not count, however near: current_user is the caller in it.
	run(t, straight, `ALTER TABLE docs ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON docs FOR SELECT USING (tenant = 'a' AND current_user = 'search_member')`)
	run(t, straight, `CREATE VIEW all_of AS SELECT * FROM pgml.search('docs', 'hello', 5)`)
	run(t, straight, `CREATE FUNCTION found() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$ SELECT count(*) FROM pgml.search('docs', 'hello', 5) $$`)
	run(t, straight, `GRANT SELECT ON all_of TO search_reader, search_member`)
	want := value(t, straight, `SELECT string_agg(id::text, ' ' ORDER BY n) FROM (SELECT d.id, row_number() OVER (ORDER BY pgml.cosine_similarity(v.embedding::float8[], $1::float8[]) DESC, row_id) AS n
		FROM pgml.vectors_1 v JOIN docs d ON d.id = v.k1 WHERE d.tenant = 'a') s WHERE n <= 7`, value(t, member, "SELECT pgml.embed('plain', 'hello')::text"))
	if got := value(t, member, `SELECT string_agg(key->>'id', ' ' ORDER BY rank) FROM pgml.search('docs', 'hello', 7)`); got != want {
		t.Errorf("behind a policy: %s, want %s", got, want)
	}
	for _, c := range []struct {
		conn      *pgx.Conn
		sql, want string
	}{
		{member, `SELECT count(*)::text FROM pgml.search('docs', 'hello', 1000)`, "100"},
		{reader, `SELECT count(*)::text FROM pgml.search('docs', 'hello', 1000)`, "0"},
		{reader, `SELECT count(*)::text FROM pgml.search('docs', ARRAY['hello', 'a'], 2)`, "0"},
		{member, `SELECT count(*)::text FROM all_of`, "5"},
		{reader, `SELECT found()::text`, "5"}, // the owner's rights
	} {
		if got := value(t, c.conn, c.sql); got != c.want {
			t.Errorf("%s: %s, want %s", c.sql, got, c.want)
		}
	}
	// Few rows among many that are nearer.
	change(t, straight, 1, func(tx pgx.Tx, revision int64) {
		hello := value(t, member, "SELECT pgml.embed('plain', 'hello')::text")
		for _, sql := range []string{
			`INSERT INTO docs SELECT i, 'z', 'text ' || i FROM generate_series(1001, 8000) i`,
			fmt.Sprintf(`INSERT INTO pgml.vectors_1 (k1, embedding, body_hash, revision) SELECT i, '%s', sha256(convert_to('text ' || i, 'UTF8')), %d FROM generate_series(1001, 8000) i`, hello, revision),
		} {
			if _, err := tx.Exec(t.Context(), sql); err != nil {
				t.Fatal(err)
			}
		}
	})
	if got := value(t, member, `SELECT string_agg(key->>'id', ' ' ORDER BY rank) FROM pgml.search('docs', 'hello', 7)`); got != want {
		t.Errorf("behind a policy, few: %s, want %s", got, want)
	}
	if got := value(t, member, `SELECT count(*) || ' ' || min(rank) || ' ' || max(rank) FROM pgml.search('docs', ARRAY['hello', 'x'], 1000)`); got != "200 1 100" {
		t.Error("behind a policy, few, several queries:", got)
	}
	if got := value(t, reader, `SELECT count(*)::text FROM pgml.search('docs', 'hello', 7)`); got != "0" {
		t.Error("behind a policy, none:", got)
	}
	run(t, member, `PREPARE p(text) AS SELECT count(*) FROM pgml.search('docs', $1, 3)`)
	if got := value(t, member, `EXECUTE p('x')`); got != "3" {
		t.Error("prepared:", got)
	}

	// The inner functions, by hand.
	candidates := `pgowl.search_candidates('docs', NULL, ARRAY['hello'], 10, '{}', false, NULL, i.name, i.proof)`
	run(t, straight, "GRANT CREATE ON SCHEMA public TO search_reader")
	for _, sql := range []string{
		"SELECT " + candidates + " FROM pgowl.identity i",
		"DO $$ DECLARE i record; x json; BEGIN SELECT * INTO i FROM pgowl.identity; x := " + candidates + "; END $$",
		// Functions and statements that look like the one that may.
		"CREATE FUNCTION search_rows(relation regclass, queries text[], k integer, column_name text, kwargs jsonb, exact boolean) RETURNS json LANGUAGE plpgsql AS $$ DECLARE i record; x json; BEGIN SELECT * INTO i FROM pgowl.identity; x := " +
			candidates + "; RETURN x; END $$; SELECT search_rows('docs', '{hello}', 1, NULL, '{}', false)",
		`CREATE FUNCTION "pgowl.search_rows(regclass,text[],integer,text,jsonb,boolean) line 1 at assignment"() RETURNS json LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$ DECLARE i record; x json; BEGIN SELECT * INTO i FROM pgowl.identity; x := ` +
			strings.Replace(candidates, "'docs'", "'public.docs'", 1) + `; RETURN x; END $$; SELECT "pgowl.search_rows(regclass,text[],integer,text,jsonb,boolean) line 1 at assignment"()`,
		`DO $$ DECLARE x json; BEGIN EXECUTE 'SELECT ` + strings.NewReplacer("'", "''").Replace(candidates) + ` AS "
PL/pgSQL function pgowl.search_rows(regclass,text[],integer,text,jsonb,boolean) line 22 at assignment" FROM pgowl.identity i' INTO x; END $$`,
	} {
		wantError(t, reader, sql, "42501", "permission denied for function search_candidates")
	}
	wantError(t, reader, `SELECT pgowl.search_hnsw(1, 'plain', 4, '{x}', 1, '{}')`, "42501", "permission denied for function search_hnsw")
	wantError(t, reader, `SELECT pgowl.call('search', NULL)`, "42501", "permission denied for function call")
	if got := value(t, reader, `SELECT count(*)::text FROM pgowl.search_rows('docs', '{hello}', 5, NULL, '{}', false)`); got != "0" {
		t.Error("search_rows by hand:", got)
	}

	// A REVOKE holds on every way in.
	for _, f := range []string{"text", "text[]"} {
		run(t, straight, fmt.Sprintf("REVOKE EXECUTE ON FUNCTION pgml.search(text, %s, integer, text, jsonb, boolean) FROM PUBLIC", f))
	}
	refused := as(t, owl, "search_refused")
	wantError(t, refused, `SELECT * FROM pgml.search('docs', 'hello')`, "42501", "permission denied for function search")
	wantError(t, refused, `SELECT * FROM pgowl.search_rows('docs', '{hello}', 5, NULL, '{}', false)`, "42501", "permission denied for function search")
}

// What a session has changed itself, and what its snapshot shows.
func TestTransactions(t *testing.T) {
	owl, straight := open(t, pgtest.Database(t), options(t))
	fill(t, straight, rand.New(rand.NewPCG(7, 8)), 50)
	c := dial(t, owl)
	const first = `SELECT key->>'id' FROM pgml.search('docs', 'hello', 1)`
	count := func() string { return value(t, c, `SELECT count(*)::text FROM pgml.search('docs', 'hello', 100)`) }
	best := value(t, c, first)
	run(t, c, "BEGIN; DELETE FROM docs WHERE id = "+best)
	if got := value(t, c, first); got == best || count() != "49" {
		t.Errorf("a row that the transaction has deleted is found: %s of %s", got, count())
	}
	run(t, c, "ROLLBACK; BEGIN; UPDATE docs SET body = body || ' and more' WHERE id = "+best)
	if got := value(t, c, first); got == best {
		t.Error("a row is found by the text that it had")
	}
	run(t, c, "ROLLBACK; BEGIN; UPDATE docs SET tenant = 'z' WHERE id = "+best)
	if got := value(t, c, first); got != best {
		t.Error("a row is not found by the text that it has")
	}
	run(t, c, "ROLLBACK")

	for _, level := range []string{"REPEATABLE READ", "SERIALIZABLE", "READ COMMITTED"} {
		run(t, c, "BEGIN ISOLATION LEVEL "+level+" READ ONLY")
		before := count()
		change(t, straight, 1, func(tx pgx.Tx, revision int64) {
			for key := 51; key <= 60; key++ {
				put(t, tx, revision, key, "a", []float32{1, 2, 3, float32(key)})
			}
		})
		after := count()
		if (before == after) == (level == "READ COMMITTED") {
			t.Errorf("%s: %s rows, then %s", level, before, after)
		}
		run(t, c, "ROLLBACK")
		change(t, straight, 1, func(tx pgx.Tx, revision int64) {
			for key := 51; key <= 60; key++ {
				remove(t, tx, revision, key)
			}
		})
		if got := count(); got != "50" {
			t.Errorf("%s rows after all", got)
		}
	}
}
