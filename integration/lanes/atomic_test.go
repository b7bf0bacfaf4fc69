package lanes

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// TestRowChangedMeanwhile: in READ COMMITTED an UPDATE or DELETE that waits for another transaction goes on with the row as that left it, and so
// must its predictions, though they were computed beforehand from the row as it was.
func TestRowChangedMeanwhile(t *testing.T) {
	w := open(t)
	ctx := context.Background()
	for lane, url := range w.lanes() {
		t.Run(lane, func(t *testing.T) {
			mine, others := dial(t, url), dial(t, w.owl)
			run(t, mine, "DROP TABLE IF EXISTS contended")
			run(t, mine, "CREATE TABLE contended AS SELECT g AS id, ARRAY[g, 1]::real[] AS x, NULL::real AS value FROM generate_series(1, 9) g")
			for _, c := range []struct{ change, statement, look string }{
				{"UPDATE contended SET x = '{12,12}' WHERE id = 3", "UPDATE contended SET value = pgml.predict('line', x)",
					"SELECT coalesce(string_agg(id::text, ','), '') FROM contended WHERE value IS DISTINCT FROM pgml.predict('line', x)"},
				{"UPDATE contended SET x = '{1,12}' WHERE id = 4", "DELETE FROM contended WHERE pgml.predict('kinds', x) = 1",
					"SELECT coalesce(string_agg(id::text, ','), '') FROM contended WHERE pgml.predict('kinds', x) = 1 OR id = 4 AND value IS NULL"},
				{"UPDATE contended SET x = '{9,9}' WHERE id = 1", "UPDATE contended SET value = -pgml.predict('line', x) WHERE id < 3 AND pgml.predict('line', x) > 0",
					"SELECT coalesce(string_agg(id::text, ','), '') FROM contended WHERE id = 1 AND value IS DISTINCT FROM -pgml.predict('line', x)"},
			} {
				run(t, others, "BEGIN")
				run(t, others, c.change)
				done := make(chan error, 1)
				go func() {
					_, err := mine.Exec(ctx, c.statement, pgx.QueryExecModeSimpleProtocol)
					done <- err
				}()
				waits(t, others, mine.PgConn().PID())
				run(t, others, "COMMIT")
				if err := <-done; err != nil {
					t.Fatal(err)
				}
				var wrong string
				if err := others.QueryRow(ctx, c.look, pgx.QueryExecModeSimpleProtocol).Scan(&wrong); err != nil || wrong != "" {
					t.Errorf("%s: rows %s, %v", c.statement, wrong, err)
				}
			}
		})
	}
}

// waits returns when the backend waits for a lock.
func waits(t *testing.T, c *pgx.Conn, pid uint32) {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); ; {
		var waiting bool
		if err := c.QueryRow(context.Background(), "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = $1 AND NOT granted)", pid).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
		if waiting {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the statement does not wait")
		}
	}
}

// TestErrorsAbortWhatTheyWould: an engine's error in a statement of many rows takes back that statement alone inside a savepoint, the
// transaction outside of one, and what a pipeline did since the last Sync.
func TestErrorsAbortWhatTheyWould(t *testing.T) {
	w := open(t)
	ctx := context.Background()
	bad := []string{
		"INSERT INTO kept SELECT g, pgml.predict('line', CASE WHEN g = 900 THEN '{1,2,3}'::real[] ELSE ARRAY[g, 1]::real[] END) FROM generate_series(1, 1000) g",
		"INSERT INTO kept SELECT g, pgml.predict('line', CASE WHEN g = 900 THEN x || 1::real ELSE x END) FROM generate_series(1, 1000) g, (SELECT '{1,2}'::real[] AS x) s",
		"INSERT INTO kept SELECT g, pgml.predict('line', ARRAY[g, 1]::real[] || CASE WHEN g = 900 THEN '{1}'::real[] END) FROM generate_series(1, 1000) g",
		"UPDATE kept SET value = pgml.predict('line', ARRAY[id, 1, 2])",
		"DELETE FROM kept WHERE pgml.predict('line', ARRAY[id, 1, 2]) > 0",
		"CREATE TABLE never AS SELECT pgml.predict('line', ARRAY[id, 1, 2]) FROM kept",
		"SELECT pgml.predict('line', ARRAY[id, 1, 2]) FROM kept ORDER BY 1",
		"SELECT pgml.predict('line', ARRAY[id, 1, 2]) FROM kept",
		"SELECT id FROM kept WHERE pgml.predict('line', ARRAY[id, 1, 2]) > 0",
		"COPY (SELECT pgml.predict('line', ARRAY[id, 1, 2]) FROM kept) TO STDOUT",
	}
	refused := func(t *testing.T, err error) {
		t.Helper()
		if pg := (*pgconn.PgError)(nil); !errors.As(err, &pg) || pg.Code != "XX000" || !strings.Contains(pg.Message, "reshape") {
			t.Fatal(err)
		}
	}
	for lane, url := range w.lanes() {
		t.Run(lane, func(t *testing.T) {
			c := dial(t, url)
			run(t, c, "TRUNCATE kept")
			t.Cleanup(func() { run(t, dial(t, w.owl), "TRUNCATE kept") }) // as the other tests expect it
			run(t, c, "INSERT INTO kept SELECT g FROM generate_series(1, 500) g")
			rows := func(want int) {
				t.Helper()
				var n int
				if err := c.QueryRow(ctx, "SELECT count(*) FROM kept").Scan(&n); err != nil || n != want {
					t.Fatal(n, err)
				}
			}
			for _, sql := range bad {
				run(t, c, "BEGIN")
				run(t, c, "INSERT INTO kept VALUES (501)")
				run(t, c, "SAVEPOINT s")
				_, err := c.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol)
				refused(t, err)
				if status := c.PgConn().TxStatus(); status != 'E' {
					t.Fatalf("%s: status %c", sql, status)
				}
				run(t, c, "ROLLBACK TO s")
				rows(501)
				_, err = c.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol)
				refused(t, err)
				run(t, c, "ROLLBACK")
				rows(500)
				batch := &pgconn.Batch{}
				batch.ExecParams("INSERT INTO kept VALUES (501)", nil, nil, nil, nil)
				batch.ExecParams(sql, nil, nil, nil, nil)
				batch.ExecParams("INSERT INTO kept VALUES (502)", nil, nil, nil, nil)
				if !strings.HasPrefix(sql, "COPY") { // which pgconn's batch does not read
					_, err = c.PgConn().ExecBatch(ctx, batch).ReadAll()
					refused(t, err)
					rows(500)
				}
			}
		})
	}
}

// TestCancelEndsABatch: a statement of many rows ends soon after a cancel request or its time, whatever it waits for.
func TestCancelEndsABatch(t *testing.T) {
	w := open(t)
	ctx := context.Background()
	for lane, url := range w.lanes() {
		for _, sql := range []string{
			"INSERT INTO kept SELECT g, pgml.predict('line', ARRAY[g % 9, 1]::real[]) FROM generate_series(1, 100000000) g",
			"SELECT count(*) FROM generate_series(1, 100000000) g WHERE pgml.predict('line', ARRAY[g % 9, 1]) > 3",
			"SELECT pgml.predict('line', ARRAY[g % 9, 1]) FROM generate_series(1, 100000000) g ORDER BY 1",
		} {
			c := dial(t, url)
			run(t, c, "SET statement_timeout = '1s'")
			start := time.Now()
			_, err := c.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol)
			took := time.Since(start)
			if pg := (*pgconn.PgError)(nil); !errors.As(err, &pg) || pg.Code != "57014" {
				t.Fatalf("%s lane: %s: %v", lane, sql, err)
			}
			t.Logf("%s lane: ended %v after its time: %.60s", lane, took-time.Second, sql)
			run(t, c, "SET statement_timeout = 0")
			var p float32
			if err := c.QueryRow(ctx, "SELECT pgml.predict('line', ARRAY[g, 1]::real[]) FROM generate_series(3, 3) g").Scan(&p); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestParallelPlansThatStore: what stores the rows of a parallel plan may begin no command while it runs, and a prediction in it must not either.
func TestParallelPlansThatStore(t *testing.T) {
	w := open(t)
	ctx := context.Background()
	for lane, url := range w.lanes() {
		for _, forms := range []string{"on", "off", "DEFAULT"} {
			c := dial(t, url)
			for _, sql := range []string{"SET parallel_setup_cost = 0", "SET parallel_tuple_cost = 0", "SET min_parallel_table_scan_size = 0", "SET pgowl.forms TO " + forms,
				"DROP TABLE IF EXISTS spread CASCADE", "CREATE TABLE spread AS SELECT g AS id, ARRAY[g % 12, 3]::real[] AS x FROM generate_series(1, 2000) g", "ANALYZE spread"} {
				run(t, c, sql)
			}
			// What the chosen lane would not gather.
			const query = "SELECT id, CASE WHEN id > 0 THEN pgml.predict('line', x) END AS p FROM spread WHERE id % 100 = 0"
			run(t, c, "CREATE TABLE spread2 AS "+query)
			run(t, c, "CREATE MATERIALIZED VIEW spread3 AS "+query)
			run(t, c, "REFRESH MATERIALIZED VIEW spread3")
			var wrong int
			if err := c.QueryRow(ctx, "SELECT count(*) FROM spread2 JOIN spread3 USING (id) JOIN spread s USING (id) WHERE spread2.p IS DISTINCT FROM spread3.p OR spread2.p IS DISTINCT FROM pgml.predict('line', s.x)").Scan(&wrong); err != nil || wrong != 0 {
				t.Errorf("%s lane, forms %s: %d wrong, %v", lane, forms, wrong, err)
			}
			_, err := c.Exec(ctx, "CREATE TABLE spread4 AS SELECT CASE WHEN id > 0 THEN pgml.predict('line', x || 1::real) END FROM spread")
			if pg := (*pgconn.PgError)(nil); !errors.As(err, &pg) || pg.Code != "XX000" || !strings.Contains(pg.Message, "reshape") {
				t.Errorf("%s lane, forms %s: %v", lane, forms, err)
			}
			run(t, c, "DROP MATERIALIZED VIEW spread3; ")
			run(t, c, "DROP TABLE spread2, spread")
		}
	}
}

// TestCancelIsNotLost aims cancel requests at the moments around the start of statements that stream or gather, and wants each to end its statement.
func TestCancelIsNotLost(t *testing.T) {
	w := open(t)
	ctx := context.Background()
	c := dial(t, w.owl)
	run(t, c, "CREATE TEMP TABLE endless AS SELECT g AS id, ARRAY[g % 9, 1]::real[] AS x FROM generate_series(1, 3000) g")
	dice := rand.New(rand.NewPCG(seed(), 1))
	lost := 0
	defer func() {
		if t.Logf("%d of 120 requests came too early", lost); lost > 12 {
			t.Errorf("%d of 120 requests were lost", lost)
		}
	}()
	for i := range 120 {
		sql := []string{
			"SELECT e.id FROM endless e, endless f, endless g WHERE pgml.predict('line', e.x) > 3",
			"SELECT e.id, pgml.predict('line', e.x) FROM endless e, endless f, endless g",
			"INSERT INTO kept SELECT e.id, pgml.predict('line', e.x) FROM endless e, endless f, endless g",
		}[i%3]
		done := make(chan error, 1)
		go func() {
			_, err := c.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol)
			done <- err
		}()
		time.Sleep(500*time.Microsecond + time.Duration(dice.IntN(4000))*time.Microsecond) // aims, waits for nothing
		for {
			if err := c.PgConn().CancelRequest(ctx); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-done:
				if pg := (*pgconn.PgError)(nil); !errors.As(err, &pg) || pg.Code != "57014" {
					t.Fatalf("%d: %s: %v", i, sql, err)
				}
			case <-time.After(time.Second):
				lost++ // it came before the statement did, as it may
				continue
			}
			break
		}
	}
}
