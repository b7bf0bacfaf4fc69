package search

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/integration/owltest"
	"github.com/pgowl/pgowl/integration/pgtest"
)

// After random changes, a search through each of two proxies gives what comparing everything gives, to the digit: kept in memory, and read each time.
func TestExact(t *testing.T) {
	url := pgtest.Database(t)
	o := options(t)
	first, straight := open(t, url, o)
	o.Service, o.SearchBytes = url, 0
	second, _ := owltest.Start(t, url, o)
	owls := []*pgx.Conn{dial(t, first), dial(t, second)}
	dice := rand.New(rand.NewPCG(1, 2))
	last := randomVector(dice)
	for round := range 25 {
		change(t, straight, 1, func(tx pgx.Tx, revision int64) {
			for range dice.IntN(40) {
				key := 1 + dice.IntN(200)
				if dice.IntN(4) == 0 {
					remove(t, tx, revision, key)
					continue
				}
				vector := randomVector(dice)
				switch dice.IntN(5) {
				case 0: // a tie
					vector = last
				case 1:
					for i := range vector {
						vector[i] = 2 * last[i]
					}
				}
				if key%50 == 0 {
					vector = make([]float32, dims) // has no direction
				}
				put(t, tx, revision, key, "a", vector)
				last = vector
			}
			if round%8 == 7 { // whoever is behind has to read everything
				if _, err := tx.Exec(t.Context(), "DELETE FROM pgml.vectors_gone"); err != nil {
					t.Fatal(err)
				}
				if _, err := tx.Exec(t.Context(), "UPDATE pgml.vectorized SET complete_from = revision"); err != nil {
					t.Fatal(err)
				}
			}
		})
		query, k := fmt.Sprintf("hello %d", round), []int{1, 5, 100, 1000}[dice.IntN(4)]
		for i, owl := range owls {
			if round%3 == 1 && i == 0 {
				continue // it has more to catch up with
			}
			want := value(t, owl, `SELECT coalesce(string_agg(s.id || ':' || s.score, ' ' ORDER BY s.score DESC, s.row_id), '') FROM (
				SELECT d.id, v.row_id, pgml.cosine_similarity(v.embedding::float8[], pgml.embed('plain', $1)::float8[]) AS score FROM pgml.vectors_1 v JOIN docs d ON d.id = v.k1
				WHERE pgml.norm_l2(v.embedding) > 0 ORDER BY score DESC, row_id LIMIT $2) s`, query, k)
			if got := value(t, owl, searched, query, k); got != want {
				t.Fatalf("round %d, proxy %d, k %d:\n got %s\nwant %s", round, i, k, got, want)
			}
		}
	}
}

// Wherever SQL can call a function.
func TestEverywhere(t *testing.T) {
	owl, straight := open(t, pgtest.Database(t), options(t))
	fill(t, straight, rand.New(rand.NewPCG(3, 4)), 60)
	c := dial(t, owl)
	run(t, straight, `CREATE TABLE questions (q text); INSERT INTO questions VALUES ('hello'), ('a b'), ('c'), (NULL)`)
	run(t, straight, `CREATE VIEW nearest AS SELECT q, s.* FROM questions, LATERAL pgml.search('docs', q, 2) s`)
	run(t, straight, `CREATE FUNCTION best(q text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT (key->>'id')::int FROM pgml.search('docs', q, 1)); END $$`)
	hello := value(t, c, compared, "hello", 3)
	for _, s := range []struct{ sql, want string }{
		{`SELECT string_agg((key->>'id') || ':' || score, ' ' ORDER BY rank) FROM pgml.search('docs', 'hello', 3)`, hello},
		{`SELECT string_agg((key->>'id') || ':' || score, ' ') FROM pgml.search('docs', 'hello', 3, 'body')`, hello},
		{`SELECT string_agg((key->>'id') || ':' || score, ' ') FROM pgml.search('public.docs', 'hello', k => 3, exact => true)`, hello},
		{`SELECT count(*)::text FROM pgml.search('docs', 'hello')`, "10"},
		{`SELECT count(*)::text FROM pgml.search('docs', 'hello', 1000000)`, "60"},
		{`SELECT count(*)::text FROM pgml.search('docs', '')`, "10"},
		{`SELECT count(*)::text FROM pgml.search('docs', NULL::text)`, "0"},
		{`SELECT count(*)::text FROM pgml.search(NULL, 'x')`, "0"},
		{`SELECT count(*)::text FROM pgml.search('docs', ARRAY[]::text[])`, "0"},
		{`SELECT count(*) || ' ' || count(DISTINCT q) FROM nearest`, "6 3"},
		{`SELECT string_agg(DISTINCT query_index || ':' || n, ' ') FROM (SELECT query_index, count(*) AS n FROM pgml.search('docs', ARRAY['hello', 'a b'], 4) GROUP BY 1) s`, "1:4 2:4"},
		{`SELECT string_agg((key->>'id') || ':' || score, ' ' ORDER BY rank) FROM pgml.search('docs', ARRAY['a b', 'hello'], 3) WHERE query_index = 2`, hello},
		{`SELECT (best('hello') = (SELECT (key->>'id')::int FROM pgml.search('docs', 'hello', 1)))::text`, "true"},
		{`SELECT bool_and(d.body = s.chunk AND s.chunk_index = 1)::text FROM pgml.search('docs', 'hello', 20) s JOIN docs d ON d.id = (s.key->>'id')::int`, "true"},
		{`SELECT (abs(a.score - b.score) < 1e-6)::text FROM pgml.search('docs', 'hello', 1) a, pgml.search('docs', 'hello', 1, kwargs => '{"normalize_embeddings": true}') b`, "true"},
		{`SELECT string_agg((key->>'id') || ':' || score, ' ') FROM pgml.search('docs', 'hello', 3, kwargs => NULL, exact => NULL)`, hello},
	} {
		if got := value(t, c, s.sql); got != s.want {
			t.Errorf("%s: %s, want %s", s.sql, got, s.want)
		}
	}
	run(t, c, `DO $$ BEGIN IF (SELECT count(*) FROM pgml.search('docs', 'hello', 7)) <> 7 THEN RAISE 'other'; END IF; END $$`)
	run(t, straight, `CREATE TABLE other (id int PRIMARY KEY, a text, b text)`)
	wantError(t, c, `SELECT * FROM pgml.search('other', 'x')`, "42704", `no column of public.other is vectorized`)
	vectorized(t, straight, "other", "a", []string{"id"})
	wantError(t, c, `SELECT * FROM pgml.search('other', 'x', 1, 'b')`, "42704", `column "b" of public.other is not vectorized`)
	if got := value(t, c, `SELECT count(*)::text FROM pgml.search('other', 'x')`); got != "0" {
		t.Error("an empty table:", got)
	}
	vectorized(t, straight, "other", "b", []string{"id"})
	wantError(t, c, `SELECT * FROM pgml.search('other', 'x')`, "42702", `several columns of public.other are vectorized`)
	for _, s := range []struct{ sql, code, message string }{
		{`SELECT * FROM pgml.search('nowhere', 'x')`, "42P01", "nowhere"},
		{`SELECT * FROM pgml.search('docs', 'x', 0)`, "22023", "k must be 1 or more"},
		{`SELECT * FROM pgml.search('docs', 'x', NULL)`, "22023", "k must be 1 or more"},
		{`SELECT * FROM pgml.search('docs', ARRAY['x', NULL])`, "22004", "NULL"},
		{`SELECT * FROM pgml.search('docs', ARRAY[['x'], ['y']])`, "22023", "one-dimensional"},
		{`SELECT * FROM pgml.search('docs', 'x', kwargs => '{"truncate_dim": 2}')`, "22023", "the query's vector has 2 dimensions, the rows' have 4"},
		{`SELECT * FROM pgml.search('docs', 'x', kwargs => '{"nonsense": 2}')`, "22023", "nonsense"},
		{`SELECT * FROM pgml.search('docs', 'x', kwargs => '[]')`, "22023", "kwargs"},
	} {
		wantError(t, c, s.sql, s.code, s.message)
	}
	if _, err := straight.Exec(t.Context(), `SELECT * FROM pgml.search('docs', 'x')`); err == nil {
		t.Error("a session around PgOwl searches")
	}
	// The model's prompt for queries, unless there is another one.
	run(t, straight, `UPDATE pgml.vectorized SET model = 'prompted', kwargs = '{"prompt": "three"}' WHERE id = 1`)
	for kwargs, prompt := range map[string]string{`{}`: "one two ", `{"prompt": "c "}`: "c ", `{"prompt": ""}`: ""} {
		want := value(t, c, compared, prompt+"hello", 3)
		if got := value(t, c, `SELECT string_agg((key->>'id') || ':' || score, ' ' ORDER BY rank) FROM pgml.search('docs', 'hello', 3, kwargs => $1)`, kwargs); got != want {
			t.Errorf("kwargs %s: %s, want %s", kwargs, got, want)
		}
	}
}

// Keys of all kinds, and columns with names that have to be quoted.
func TestKeys(t *testing.T) {
	owl, straight := open(t, pgtest.Database(t), options(t))
	c := dial(t, owl)
	run(t, straight, `CREATE SCHEMA "My stuff"; CREATE DOMAIN "My stuff".word AS varchar(20)`)
	run(t, straight, `CREATE TABLE "My stuff"."Odd ""one""" ("Key 1" "My stuff".word, at timestamptz, m numeric, u uuid, c char(3), "It's" text, PRIMARY KEY ("Key 1", at, m, u, c))`)
	id := vectorized(t, straight, `"My stuff"."Odd ""one"""`, "It's", []string{"Key 1", "at", "m", "u", "c"})
	run(t, straight, fmt.Sprintf("UPDATE pgml.vectorized SET key_types[1] = 'varchar'::regtype WHERE id = %d", id)) // domains are resolved
	run(t, straight, `INSERT INTO "My stuff"."Odd ""one""" SELECT 'a''b ' || i, 'epoch', 1.50, md5(i::text)::uuid, 'x', 'text ' || i FROM generate_series(1, 20) i`)
	change(t, straight, id, func(tx pgx.Tx, revision int64) {
		_, err := tx.Exec(t.Context(), fmt.Sprintf(`INSERT INTO pgml.vectors_%d (k1, k2, k3, k4, k5, chunk_index, chunk, embedding, body_hash, revision)
			SELECT "Key 1", at, m, u, c, j, 'chunk ' || j, ARRAY[1, j, 0, length("It's")]::real[], sha256(convert_to("It's", 'UTF8')), %d FROM "My stuff"."Odd ""one""", generate_series(1, 2) j`, id, revision))
		if err != nil {
			t.Fatal(err)
		}
	})
	run(t, c, "SET TimeZone = 'Asia/Tokyo'; SET DateStyle = 'German'; SET extra_float_digits = 0; SET search_path = \"My stuff\"")
	got := value(t, c, `SELECT count(*) || ' ' || bool_and(o."It's" LIKE 'text %' AND s.chunk = 'chunk ' || s.chunk_index AND s.key ? 'at') FROM pgml.search('"Odd ""one"""', 'x', 100) s
		JOIN "Odd ""one""" o ON o."Key 1" = s.key->>'Key 1'`)
	if got != "40 true" {
		t.Error(got)
	}
	run(t, c, `ALTER TABLE "Odd ""one""" RENAME "Key 1" TO k; ALTER TABLE "Odd ""one""" RENAME TO renamed`)
	if got := value(t, c, `SELECT count(*)::text FROM pgml.search('renamed', 'x', 5) WHERE key ? 'k'`); got != "5" {
		t.Error("renamed:", got)
	}
}
