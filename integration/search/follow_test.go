package search

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pgowl/pgowl/integration/pgtest"
)

// A search that begins after a commit sees what was committed, whatever others do meanwhile.
func TestFresh(t *testing.T) {
	url := pgtest.Database(t)
	owl, straight := open(t, url, options(t))
	fill(t, straight, rand.New(rand.NewPCG(11, 12)), 20)
	vector := value(t, dial(t, owl), "SELECT pgml.embed('plain', 'hello')::text")
	var sessions sync.WaitGroup
	for s := range 4 {
		through, around := dial(t, owl), dial(t, url)
		sessions.Go(func() {
			for i := range 15 {
				key := 1000 + s*1000 + i
				tx, err := around.Begin(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				var revision int64
				err = tx.QueryRow(t.Context(), "UPDATE pgml.vectorized SET revision = revision + 1 WHERE id = 1 RETURNING revision").Scan(&revision)
				for _, sql := range []string{
					fmt.Sprintf("INSERT INTO docs VALUES (%d, 'a', 'text %d')", key, key),
					fmt.Sprintf("INSERT INTO pgml.vectors_1 (k1, embedding, body_hash, revision) VALUES (%d, '%s', sha256('text %d'), %d)", key, vector, key, revision),
				} {
					if err == nil {
						_, err = tx.Exec(t.Context(), sql)
					}
				}
				if err == nil {
					err = tx.Commit(t.Context())
				}
				var found bool
				if err == nil {
					err = through.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pgml.search('docs', 'hello', 1000) WHERE key->>'id' = $1::text)", fmt.Sprint(key)).Scan(&found)
				}
				if err != nil || !found {
					t.Errorf("row %d, committed, is found: %v, %v", key, found, err)
					return
				}
			}
		})
	}
	sessions.Wait()
}

// A search ends with its statement, while it waits for a table to be read and while it reads one itself; others go on.
func TestCancel(t *testing.T) {
	for _, bytes := range []int64{64 << 20, 0} {
		t.Run(fmt.Sprint(bytes), func(t *testing.T) {
			o := options(t)
			o.SearchBytes = bytes
			owl, straight := open(t, pgtest.Database(t), o)
			fill(t, straight, rand.New(rand.NewPCG(13, 14)), 20)
			c := dial(t, owl)
			run(t, straight, "BEGIN; LOCK TABLE pgml.vectors_1") // whoever reads it waits
			run(t, c, "SET statement_timeout = 300")
			_, err := c.Exec(t.Context(), "SELECT * FROM pgml.search('docs', 'hello')")
			var pg *pgconn.PgError
			if !errors.As(err, &pg) || pg.Code != "57014" {
				t.Errorf("cancelled: %v", err)
			}
			run(t, straight, "COMMIT")
			run(t, c, "RESET statement_timeout")
			if got := value(t, c, "SELECT count(*)::text FROM pgml.search('docs', 'hello')"); got != "10" {
				t.Error(got)
			}
		})
	}
}

// Tables make room for each other; those that have none are read each time, to the same answers.
func TestRoom(t *testing.T) {
	o := options(t)
	o.SearchBytes = 40 << 10
	owl, straight := open(t, pgtest.Database(t), o)
	dice := rand.New(rand.NewPCG(15, 16))
	fill(t, straight, dice, 100)
	tables := []string{"docs"}
	for _, n := range []int{300, 200, 5000} {
		name := fmt.Sprint("t", n)
		run(t, straight, fmt.Sprintf(`CREATE TABLE %s (id int PRIMARY KEY, body text); INSERT INTO %[1]s SELECT i, 'x' FROM generate_series(1, %[2]d) i`, name, n))
		id := vectorized(t, straight, name, "body", []string{"id"})
		change(t, straight, id, func(tx pgx.Tx, revision int64) {
			if _, err := tx.Exec(t.Context(), fmt.Sprintf(`INSERT INTO pgml.vectors_%d (k1, embedding, body_hash, revision)
				SELECT i, ARRAY[sin(i), cos(i), sin(i * 7), 1]::real[], sha256('x'), %d FROM generate_series(1, %d) i`, id, revision, n)); err != nil {
				t.Fatal(err)
			}
		})
		tables = append(tables, name)
	}
	c := dial(t, owl)
	for range 3 {
		for _, name := range tables {
			sql := fmt.Sprintf("SELECT string_agg(key->>'id', ' ' ORDER BY rank) FROM pgml.search('%s', 'hello', 20)", name)
			want := value(t, c, fmt.Sprintf(`SELECT string_agg(k1::text, ' ' ORDER BY n) FROM (SELECT k1, row_number() OVER (ORDER BY pgml.cosine_similarity(v.embedding::float8[], $1::real[]::float8[]) DESC, row_id) AS n
				FROM pgml.vectors_%d v) s WHERE n <= 20`, map[string]int{"docs": 1, "t300": 2, "t200": 3, "t5000": 4}[name]), value(t, c, "SELECT pgml.embed('plain', 'hello')::text"))
			if got := value(t, c, sql); got != want {
				t.Errorf("%s: %s, want %s", name, got, want)
			}
		}
	}
	// What is not vectorized any more.
	run(t, straight, "DELETE FROM pgml.vectorized WHERE id = 2; DROP TABLE pgml.vectors_2")
	wantError(t, c, "SELECT * FROM pgml.search('t300', 'x')", "42704", "no column of public.t300 is vectorized")
	if _, err := c.Exec(context.WithoutCancel(t.Context()), "SELECT * FROM pgml.search('t200', 'x')"); err != nil {
		t.Error(err)
	}
}
