package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// forms measures models that are SQL in the database: a row by the model's function and by pgml.predict in a session that does not come through PgOwl, what
// getting ready costs, and both ways for a session that does come through it.
func forms(ctx context.Context, s *stage, o options) error {
	fmt.Println("\nforms: 100 trees of depth 6 on 28 features, as SQL in the database")
	direct, err := pgx.Connect(ctx, s.url("direct"))
	if err != nil {
		return err
	}
	defer direct.Close(ctx)
	owl, err := pgx.Connect(ctx, s.owlURL())
	if err != nil {
		return err
	}
	defer owl.Close(ctx)
	const rows = 2000
	for _, sql := range []string{
		"CREATE EXTENSION IF NOT EXISTS pgml",
		fmt.Sprintf(`CREATE TABLE trees AS SELECT i AS id, f, f[1] + f[2] * f[3] + sin(f[4] * 3) AS y FROM (SELECT i, (SELECT array_agg(((hashint8(i * 1000 + j) %% 2000) / 1000.0)::real
			ORDER BY j) AS f FROM generate_series(1, %d) j) FROM generate_series(1, 40000) i) s`, width),
		"CREATE VIEW seen_trees AS SELECT f, y FROM trees",
		`SELECT * FROM pgml.train('trees', 'regression', 'seen_trees', 'y', 'xgboost', '{"n_estimators": 100, "max_depth": 6}', test_sampling => 'last')`,
		fmt.Sprintf("CREATE TABLE some_trees AS SELECT id, f FROM trees LIMIT %d", rows),
		"VACUUM ANALYZE some_trees",
	} {
		if _, err := owl.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	var model int64
	var nodes int
	if err := direct.QueryRow(ctx, "SELECT model_id, nodes FROM pgowl.forms WHERE why IS NULL ORDER BY model_id DESC LIMIT 1").Scan(&model, &nodes); err != nil {
		return fmt.Errorf("there is no form: %w", err)
	}
	// What the server's process spends on it; on a machine that does other things, too, the clock says little.
	timed := func(c *pgx.Conn, sql string) (cpu, wall time.Duration, err error) {
		dir := fmt.Sprintf("/proc/%d", c.PgConn().PID())
		before, start := cpuTime(dir), time.Now()
		_, err = c.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol)
		wall = time.Since(start)
		if cpu = cpuTime(dir) - before; cpu == 0 { // not on Linux
			cpu = wall
		}
		return cpu, wall, err
	}
	took, _, err := timed(direct, fmt.Sprintf("SELECT pgowl.write_form(%d, 1000000)", model))
	if err != nil {
		return err
	}
	line("writing the function", "%8.1f ms, %d nodes", ms(took), nodes)

	call := func(f string, id int) string {
		return fmt.Sprintf("SELECT %s FROM some_trees LIMIT 1 OFFSET %d", f, id)
	}
	predict, alone := "pgml.predict('trees', f)", fmt.Sprintf("pgowl.model_%d(f, false)", model)
	memory := func() (n float64, err error) {
		return n, direct.QueryRow(ctx, "SELECT sum(total_bytes) / 1e6 FROM pg_backend_memory_contexts").Scan(&n)
	}
	before, none := memory()
	for i, name := range []string{"direct: a session's first", "direct: a transaction's first", ""} {
		took, _, err := timed(direct, call(predict, i+1))
		if err != nil {
			return err
		}
		if name != "" {
			line(name, "%8.1f ms", ms(took))
		}
	}
	if after, err := memory(); err == nil && none == nil { // from Postgres 14 on
		line("memory of the session for it", "%8.1f MB", after-before)
	}

	// Rows, in turns, so that what else the machine does hits both alike.
	per := func(c *pgx.Conn, f string) (cpu, wall float64, err error) {
		a, b, err := timed(c, fmt.Sprintf("SELECT count(*) FROM (SELECT %s AS v FROM some_trees OFFSET 0) s WHERE v IS NOT NULL", f))
		return float64(a.Nanoseconds()) / 1000 / rows, float64(b.Nanoseconds()) / 1000 / rows, err
	}
	var one, all, over []float64
	for range 5 * o.rounds {
		a, _, err := per(direct, alone)
		if err != nil {
			return err
		}
		b, _, err := per(direct, predict)
		if err != nil {
			return err
		}
		one, all, over = append(one, a), append(all, b), append(over, b-a)
	}
	line("direct: a row by the function", "%8.1f µs (least %.1f)", median(one), least(one))
	line("direct: a row by pgml.predict", "%8.1f µs (least %.1f)", median(all), least(all))
	line("direct: finding the deployed model", "%8.1f µs", median(over))

	for _, how := range []string{"off", "on", "auto"} {
		name := map[string]string{"off": "PgOwl: a row in the call lane, by the proxy", "on": "PgOwl: a row in the call lane, by the function", "auto": "PgOwl: a row in the call lane, as it chooses"}[how]
		if _, err := owl.Exec(ctx, fmt.Sprintf("SELECT set_config('pgowl.forms', '%s', false), set_config('pgowl.lanes', 'call', false)", how)); err != nil {
			return err
		}
		var spent, took []float64
		for range o.rounds {
			a, b, err := per(owl, strings.Replace(predict, "f)", "f || '{}'::real[])", 1))
			if err != nil {
				return err
			}
			spent, took = append(spent, a), append(took, b)
		}
		line(name, "%8.1f µs of the server's process, %.1f by the clock; statements of %d rows", median(spent), median(took), rows)
	}
	return nil
}

func least(list []float64) float64 { return quantile(list, 0) }
