package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// A contest is two statements over the same table, of which the second is ours: its rows a second are given as a part of the first's.
type contest struct {
	name   string
	target float64 // the part that is aimed at, 0: none
	theirs statement
	ours   statement
}

type statement struct {
	c   *pgx.Conn
	sql string
}

// contests compares statements of many rows with what the same statement takes without a prediction, direct. Each pair is run in turns, and the
// median of the rounds' ratios counts.
func contests(ctx context.Context, l lane) error {
	fmt.Printf("\nlanes: %d rows of %d features, 100 trees of depth 6\n", l.o.rows, width)
	for _, sql := range []string{"CREATE TABLE scored (id int, p real)", "CREATE TABLE changed AS SELECT id, f, 0::real AS p FROM wide", "VACUUM ANALYZE changed"} {
		if _, err := l.owl.Exec(ctx, sql); err != nil {
			return err
		}
	}
	streamed := statement{l.owl, "SELECT id, pgml.predict('bench', f) FROM wide"}
	for _, c := range []contest{
		{"SELECT id, f through PgOwl / direct", 0, statement{l.direct, "SELECT id, f FROM wide"}, statement{l.owl, "SELECT id, f FROM wide"}},
		{"SELECT id, predict / SELECT id, f direct", 0.6, statement{l.direct, "SELECT id, f FROM wide"}, streamed},
		{"INSERT ... SELECT id, predict / ... a constant, direct", 0.5, statement{l.direct, "INSERT INTO scored SELECT id, 1.5 FROM wide"},
			statement{l.owl, "INSERT INTO scored SELECT id, pgml.predict('bench', f) FROM wide"}},
		{"SELECT id WHERE predict = 1 / SELECT id, predict", 0.4, streamed, statement{l.owl, "SELECT id FROM wide WHERE pgml.predict('bench', f) = 1"}},
		{"SELECT count(*) WHERE predict = 1 / SELECT id, predict", 0.4, streamed, statement{l.owl, "SELECT count(*) FROM wide WHERE pgml.predict('bench', f) = 1"}},
		{"SELECT ... ORDER BY predict LIMIT 10 / SELECT id, predict", 0, streamed, statement{l.owl, "SELECT id FROM wide ORDER BY pgml.predict('bench', f) LIMIT 10"}},
		{"UPDATE ... SET p = predict / ... a constant, direct", 0, statement{l.direct, "UPDATE changed SET p = 1.5"}, statement{l.owl, "UPDATE changed SET p = pgml.predict('bench', f)"}},
	} {
		if err := c.run(ctx, l.o); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

func (c contest) run(ctx context.Context, o options) error {
	var theirs, ours, ratios []float64
	for range o.rounds {
		a, err := c.theirs.rate(ctx, o.rows)
		if err != nil {
			return err
		}
		b, err := c.ours.rate(ctx, o.rows)
		if err != nil {
			return err
		}
		theirs, ours, ratios = append(theirs, a), append(ours, b), append(ratios, b/a)
	}
	aim := ""
	if c.target > 0 {
		aim = fmt.Sprintf(" (aim %.2f)", c.target)
	}
	line(c.name, "%.3f%s  %.0f rows/s of %.0f, %d rounds %.3f to %.3f", median(ratios), aim, median(ours), median(theirs), o.rounds, ratios[0], ratios[len(ratios)-1])
	return nil
}

// rate runs a statement and gives the table's rows by its seconds.
func (s statement) rate(ctx context.Context, n int) (float64, error) {
	start := time.Now()
	if err := drain(ctx, s.c, s.sql); err != nil {
		return 0, err
	}
	return float64(n) / time.Since(start).Seconds(), nil
}

// flat watches the memory of PgOwl while many rows stream through it and are predicted.
func flat(ctx context.Context, l lane) error {
	before, _ := resident(l.pid)
	done := make(chan struct{})
	most := before
	var watch sync.WaitGroup
	watch.Go(func() {
		for tick := time.NewTicker(20 * time.Millisecond); ; {
			select {
			case <-done:
				tick.Stop()
				return
			case <-tick.C:
				now, _ := resident(l.pid)
				most = max(most, now)
			}
		}
	})
	n := 100 * l.o.rows
	start := time.Now()
	err := drain(ctx, l.owl, "SELECT id, pgml.predict('bench', f) FROM wide, generate_series(1, 100) g")
	close(done)
	watch.Wait()
	if err != nil {
		return err
	}
	line("memory while rows stream, over what it was before", "%.1f MiB (aim 64)  %d rows at %.0f a second", float64(most-before)/1024, n, float64(n)/time.Since(start).Seconds())
	return nil
}

// callOut compares a call of ours from PL/pgSQL with a statement that dblink sends to the same server over a connection that is open.
func callOut(ctx context.Context, l lane) error {
	if _, err := l.direct.Exec(ctx, "CREATE EXTENSION IF NOT EXISTS dblink"); err != nil {
		line("a call out by dblink", "not measured: %v", err)
		return nil
	}
	loop := func(body string) string {
		return fmt.Sprintf(`DO $do$ DECLARE v real; g real[] := (SELECT f FROM wide WHERE id = 1); BEGIN FOR i IN 1..%d LOOP %s; END LOOP; END $do$`, l.o.calls, body)
	}
	if _, err := l.direct.Exec(ctx, "SELECT dblink_connect('out', $1)", l.libpq); err != nil {
		return err
	}
	var ours, theirs, ratios []float64
	for range l.o.rounds {
		start := time.Now()
		if _, err := l.direct.Exec(ctx, loop("v := (SELECT x FROM dblink('out', 'SELECT 1.5::real') AS t(x real))")); err != nil {
			return err
		}
		a := ms(time.Since(start)) / float64(l.o.calls)
		start = time.Now()
		if _, err := l.owl.Exec(ctx, loop("v := pgml.predict('bench', g || '{}'::real[])")); err != nil {
			return err
		}
		b := ms(time.Since(start)) / float64(l.o.calls)
		ours, theirs, ratios = append(ours, b), append(theirs, a), append(ratios, b/a)
	}
	line("a call in the call lane / one by dblink", "%.2f (aim 2)  %.3f ms of %.3f", median(ratios), median(ours), median(theirs))
	return nil
}
