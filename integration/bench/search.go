package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// searched is a search among vectors, without an extension for them.
const searched = "SELECT id FROM docs ORDER BY pgml.dot_product(e, %s) DESC LIMIT 5"

// searchAim is what a semantic search may cost over the model's own time, in milliseconds.
const searchAim = 0.3

// search measures what a semantic search costs over the search for a vector that is given: with a text whose vector is in the cache, so that the model's
// own time, which the machine makes, is not in the figure. The two run in turns.
func search(ctx context.Context, l lane) error {
	if _, err := l.owl.Exec(ctx, fmt.Sprintf(`CREATE TABLE docs AS SELECT i AS id, v.e FROM generate_series(1, 20) i,
		LATERAL (SELECT array_agg((hashint8(i * 1000 + j) %% 1000 / 1000.0)::real ORDER BY j) AS e FROM generate_series(1, 384) j) v`)); err != nil {
		return err
	}
	const text = "Hottest weather in 100 years"
	var vector []float32
	if err := l.owl.QueryRow(ctx, "SELECT pgml.embed($1, $2)", embedder, text).Scan(&vector); err != nil {
		return err
	}
	ask := func(c *pgx.Conn, what string, args ...any) func() error {
		sql := fmt.Sprintf(searched, what)
		return func() error {
			rows, err := c.Query(ctx, sql, args...)
			if err != nil {
				return err
			}
			_, err = pgx.CollectRows(rows, pgx.RowTo[int])
			return err
		}
	}
	given := ask(l.direct, "$1::real[]", vector)
	embedded := ask(l.owl, "pgml.embed('"+embedder+"', $1)", text)
	var a, b []float64
	for range l.o.calls / 4 {
		for _, one := range []struct {
			do func() error
			to *[]float64
		}{{given, &a}, {embedded, &b}} {
			start := time.Now()
			if err := one.do(); err != nil {
				return fmt.Errorf("semantic search: %w", err)
			}
			*one.to = append(*one.to, time.Since(start).Seconds()*1000)
		}
	}
	line("semantic search by a text / by a vector, direct", "%.3f ms more (aim %.1f)  %.3f and %.3f ms, medians of %d", median(b)-median(a), searchAim, median(b), median(a), len(a))
	return nil
}
