package search

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pgowl/pgowl/exec"
	"github.com/pgowl/pgowl/integration/owltest"
	"github.com/pgowl/pgowl/integration/pgtest"
)

func TestMain(m *testing.M) {
	pgtest.MainLeaks(m, pgtest.StopShared, "github.com/pgowl/pgowl", "riverqueue/river")
}

// patience is how long a test waits for what takes seconds; only a hang takes that long.
const patience = 3 * time.Minute

// dims is the number of dimensions of model "plain".
const dims = 4

// options are those of an engine with a model folder that has small models.
func options(t *testing.T) exec.Options {
	t.Helper()
	o := owltest.TextModels(t, map[string]map[string]string{"plain": nil, "prompted": {"config_sentence_transformers.json": `{"prompts": {"query": "one two "}}`}})
	o.SearchBytes = 64 << 20
	return o
}

// dial connects, through a proxy or not.
func dial(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// open gives the URL through a proxy of a database of a test's own, with vectorized table docs, and a session around it.
func open(t *testing.T, url string, o exec.Options) (owl string, straight *pgx.Conn) {
	t.Helper()
	o.Service = url
	owl, _ = owltest.Start(t, url, o)
	straight = dial(t, url)
	run(t, straight, `CREATE TABLE docs (id int PRIMARY KEY, tenant text, body text)`)
	vectorized(t, straight, "docs", "body", []string{"id"})
	return owl, straight
}

// vectorized does what pgml.vectorize does, but for keeping anything current. It gives the number.
func vectorized(t *testing.T, conn *pgx.Conn, relation, body string, keys []string) (id int64) {
	t.Helper()
	err := conn.QueryRow(t.Context(), `INSERT INTO pgml.vectorized (relation, relation_oid, key_attnums, key_names, key_types, body_attnum, body_name, model, kwargs, dims, created_by)
		SELECT $1::text::regclass, $1::text::regclass::oid, array_agg(a.attnum ORDER BY k.n), array_agg(a.attname ORDER BY k.n), array_agg(a.atttypid ORDER BY k.n)::regtype[],
			(SELECT b.attnum FROM pg_attribute b WHERE b.attrelid = $1::text::regclass AND b.attname = $2), $2, 'plain', '{}', $4, current_user
		FROM unnest($3::text[]) WITH ORDINALITY k (name, n) JOIN pg_attribute a ON a.attrelid = $1::text::regclass AND a.attname = k.name
		RETURNING id`, relation, body, keys, dims).Scan(&id)
	if err != nil {
		t.Fatal(err)
	}
	var columns string
	if err := conn.QueryRow(t.Context(), `SELECT string_agg(format('k%s %s NOT NULL', n, format_type(k.t, -1)), ', ') FROM pgml.vectorized v, unnest(v.key_types) WITH ORDINALITY k (t, n) WHERE v.id = $1`,
		id).Scan(&columns); err != nil {
		t.Fatal(err)
	}
	run(t, conn, fmt.Sprintf(`CREATE TABLE pgml.vectors_%d (row_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, %s, chunk_index int NOT NULL DEFAULT 1, chunk text, embedding real[] NOT NULL,
		body_hash bytea NOT NULL, revision bigint NOT NULL)`, id, columns))
	return id
}

// begin locks a vectorized table for the changes of a transaction, and gives their revision.
func begin(t *testing.T, tx pgx.Tx, id int64) (revision int64) {
	t.Helper()
	if err := tx.QueryRow(t.Context(), "UPDATE pgml.vectorized SET revision = revision + 1 WHERE id = $1 RETURNING revision", id).Scan(&revision); err != nil {
		t.Fatal(err)
	}
	return revision
}

// change does something in a transaction with a revision.
func change(t *testing.T, conn *pgx.Conn, id int64, do func(tx pgx.Tx, revision int64)) {
	t.Helper()
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	do(tx, begin(t, tx, id))
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// put writes a row of docs, and its vector.
func put(t *testing.T, tx pgx.Tx, revision int64, key int, tenant string, vector []float32) {
	t.Helper()
	body := fmt.Sprintf("text %d of revision %d", key, revision)
	if _, err := tx.Exec(t.Context(), "INSERT INTO docs VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET body = excluded.body", key, tenant, body); err != nil {
		t.Fatal(err)
	}
	tag, err := tx.Exec(t.Context(), "UPDATE pgml.vectors_1 SET embedding = $2, body_hash = sha256(convert_to($3, 'UTF8')), revision = $4 WHERE k1 = $1", key, vector, body, revision)
	if err == nil && tag.RowsAffected() == 0 {
		_, err = tx.Exec(t.Context(), "INSERT INTO pgml.vectors_1 (k1, embedding, body_hash, revision) VALUES ($1, $2, sha256(convert_to($3, 'UTF8')), $4)", key, vector, body, revision)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// remove takes a row of docs away, with its vector.
func remove(t *testing.T, tx pgx.Tx, revision int64, key int) {
	t.Helper()
	for _, sql := range []string{
		fmt.Sprintf("DELETE FROM docs WHERE id = %d", key),
		fmt.Sprintf("WITH gone AS (DELETE FROM pgml.vectors_1 WHERE k1 = %d RETURNING row_id) INSERT INTO pgml.vectors_gone SELECT 1, %d, row_id FROM gone", key, revision),
	} {
		if _, err := tx.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
}

func randomVector(dice *rand.Rand) []float32 {
	v := make([]float32, dims)
	for i := range v {
		v[i] = float32(dice.NormFloat64())
	}
	return v
}

// fill writes rows 1 to n, of tenants a, b and c in turns.
func fill(t *testing.T, conn *pgx.Conn, dice *rand.Rand, n int) {
	t.Helper()
	change(t, conn, 1, func(tx pgx.Tx, revision int64) {
		for key := 1; key <= n; key++ {
			put(t, tx, revision, key, string("abc"[key%3]), randomVector(dice))
		}
	})
}

func run(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// text gives the one value of a statement.
func value(t *testing.T, conn *pgx.Conn, sql string, args ...any) string {
	t.Helper()
	var got *string
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&got); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	if got == nil {
		return "NULL"
	}
	return *got
}

// wantError checks that a statement fails.
func wantError(t *testing.T, conn *pgx.Conn, sql, code, message string) {
	t.Helper()
	_, err := conn.Exec(t.Context(), sql)
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != code || !strings.Contains(pg.Message, message) {
		t.Errorf("%s: %v, want %s %s", sql, err, code, message)
	}
}

// compared is what a search finds, by comparing everything in the server.
const compared = `SELECT coalesce(string_agg(s.id || ':' || s.score, ' ' ORDER BY s.score DESC, s.row_id), '') FROM (
	SELECT d.id, v.row_id, pgml.cosine_similarity(v.embedding::float8[], pgml.embed('plain', $1)::float8[]) AS score FROM pgml.vectors_1 v JOIN docs d ON d.id = v.k1
	ORDER BY score DESC, row_id LIMIT $2) s`

// searched is what a search says.
const searched = `SELECT coalesce(string_agg((key->>'id') || ':' || score, ' ' ORDER BY rank), '') FROM pgml.search('docs', $1, $2)`
