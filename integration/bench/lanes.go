package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// width is the number of feature columns of the table that predictions are measured on.
const width = 28

// lanes measures what a call costs in each lane.
func lanes(ctx context.Context, s *stage, o options) error {
	fmt.Println("\nlanes: one session, one call at a time")
	direct, err := pgx.Connect(ctx, s.url("direct"))
	if err != nil {
		return err
	}
	defer direct.Close(ctx)
	relay, err := pgx.Connect(ctx, s.url("relay"))
	if err != nil {
		return err
	}
	defer relay.Close(ctx)
	c, err := pgx.Connect(ctx, s.owlURL())
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	if err := prepareLanes(ctx, c, o); err != nil {
		return err
	}
	for _, part := range []func(context.Context, lane) error{round, fold, callLane, callOut, search, contests, flat} {
		if err := part(ctx, lane{direct, relay, c, o, s.owls[0].cmd.Process.Pid, s.url("direct")}); err != nil {
			return err
		}
	}
	return nil
}

// lane is what the parts of lanes share: three sessions, PgOwl's process, and how libpq finds the server.
type lane struct {
	direct, relay, owl *pgx.Conn
	o                  options
	pid                int
	libpq              string
}

// prepareLanes makes a table and trains a model on a part of it.
func prepareLanes(ctx context.Context, c *pgx.Conn, o options) error {
	for _, sql := range []string{
		"CREATE EXTENSION IF NOT EXISTS pgml",
		fmt.Sprintf(`CREATE TABLE wide AS SELECT i AS id, (SELECT array_agg(((hashint8(i * 1000 + j) %% 2000) / 1000.0)::real ORDER BY j)
			FROM generate_series(1, %d) j) AS f FROM generate_series(1, %d) i`, width, o.rows),
		"CREATE TABLE seen AS SELECT f, (f[1] + f[2] * f[3] > 0) AS y FROM wide LIMIT 5000",
		"VACUUM ANALYZE wide",
		"SELECT * FROM pgml.train('bench', 'classification', 'seen', 'y', 'xgboost', test_sampling => 'random')",
	} {
		if _, err := c.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

// round compares a round trip by the three ways, in turns.
func round(ctx context.Context, l lane) error {
	times := map[string][]time.Duration{}
	for i := range l.o.calls + 50 {
		for name, c := range map[string]*pgx.Conn{"direct": l.direct, "by the relay": l.relay, "by PgOwl": l.owl} {
			start := time.Now()
			if _, err := c.PgConn().Exec(ctx, "SELECT 1").ReadAll(); err != nil {
				return err
			}
			if i >= 50 {
				times[name] = append(times[name], time.Since(start))
			}
		}
	}
	for _, name := range []string{"direct", "by the relay", "by PgOwl"} {
		line("SELECT 1, "+name, "%s", latency(times[name]))
	}
	return nil
}

// timed runs something n times, after a few times that don't count.
func timed(n int, f func(i int) error) ([]time.Duration, error) {
	times := make([]time.Duration, 0, n)
	warm := min(n, 20)
	for i := range n + warm {
		start := time.Now()
		if err := f(i); err != nil {
			return nil, err
		}
		if i >= warm {
			times = append(times, time.Since(start))
		}
	}
	return times, nil
}

func report(name string, n int, f func(i int) error) error {
	times, err := timed(n, f)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	line(name, "%s", latency(times))
	return nil
}

// fold measures calls whose arguments are constants or parameters.
func fold(ctx context.Context, l lane) error {
	features := make([]float32, width)
	var literal string
	if err := l.owl.QueryRow(ctx, "SELECT f, f::text FROM wide WHERE id = 1").Scan(&features, &literal); err != nil {
		return err
	}
	simple := func(sql string) error {
		_, err := l.owl.PgConn().Exec(ctx, sql).ReadAll()
		return err
	}
	// The same bytes on the wire as a guarded fold, but nothing of ours: what the trip alone costs.
	if err := report("a parameter of 28 reals and back as their sum, direct", l.o.calls, func(int) error {
		var v float32
		return l.direct.QueryRow(ctx, "SELECT cardinality($1::real[])::real", features).Scan(&v)
	}); err != nil {
		return err
	}
	if err := report("fold predict, constants, simple", l.o.calls, func(int) error {
		return simple("SELECT pgml.predict('bench', '" + literal + "'::real[])")
	}); err != nil {
		return err
	}
	if err := report("fold predict, parameters, prepared", l.o.calls, func(int) error {
		var v float32
		return l.owl.QueryRow(ctx, "SELECT pgml.predict('bench', $1::real[])", features).Scan(&v)
	}); err != nil {
		return err
	}
	if err := report("fold embed, the same text (cached)", l.o.calls, func(int) error {
		return simple("SELECT pgml.embed('" + embedder + "', 'Hottest weather in 100 years')")
	}); err != nil {
		return err
	}
	return report("fold embed, new texts", 100, func(i int) error {
		return simple(fmt.Sprintf("SELECT pgml.embed('%s', 'Hottest weather in %d years')", embedder, 1000+i))
	})
}

// isolated ends the names of what is measured in a transaction that sees no new rows.
const isolated = ", REPEATABLE READ"

// callLane measures calls from PL/pgSQL, each timed inside the server.
func callLane(ctx context.Context, l lane) error {
	inside := func(name, body string, n int) error {
		if strings.HasSuffix(name, isolated) {
			if _, err := l.owl.Exec(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ"); err != nil {
				return err
			}
			defer l.owl.Exec(ctx, "COMMIT")
		}
		for _, sql := range []string{
			"CREATE TEMP TABLE IF NOT EXISTS took (us double precision)", "TRUNCATE took",
			fmt.Sprintf(`DO $do$ DECLARE t timestamptz; v real; w real[]; g real[] := (SELECT f FROM wide WHERE id = 1); us double precision[] := '{}'; BEGIN
				FOR i IN 1..%d LOOP
					t := clock_timestamp(); %s; us[i] := extract(epoch FROM clock_timestamp() - t) * 1e6;
				END LOOP;
				INSERT INTO took SELECT unnest(us); END $do$`, n, body),
		} {
			if _, err := l.owl.Exec(ctx, sql); err != nil {
				return err
			}
		}
		var p50, p90, p99 float64
		if err := l.owl.QueryRow(ctx, `SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY us), percentile_cont(0.9) WITHIN GROUP (ORDER BY us),
			percentile_cont(0.99) WITHIN GROUP (ORDER BY us) FROM took`).Scan(&p50, &p90, &p99); err != nil {
			return err
		}
		line(name, "%7.3f ms  (p90 %.3f, p99 %.3f, n %d)", p50/1000, p90/1000, p99/1000, n)
		return nil
	}
	if err := inside("call predict, in PL/pgSQL", "v := pgml.predict('bench', g || '{}'::real[])", l.o.calls); err != nil {
		return err
	}
	if err := inside("call predict, in PL/pgSQL"+isolated, "v := pgml.predict('bench', g || '{}'::real[])", l.o.calls); err != nil {
		return err
	}
	for _, how := range []string{"", isolated} {
		if err := inside("call embed, the same text (cached, a long answer)"+how, "w := pgml.embed('"+embedder+"', 'Hottest weather in ' || 100 + i - i || ' years')", l.o.calls/4); err != nil {
			return err
		}
	}
	return inside("call embed, new texts", "w := pgml.embed('"+embedder+"', 'Coldest weather in ' || i + (random() * 1e6)::int || ' years')", 200)
}
