package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/integration/pgtest"
)

// trainings are what TestKilledTrainings ends in the middle. %d makes the project of an attempt its own; 'steady' is trained over and over.
var trainings = []string{
	`SELECT * FROM pgml.train('p%d', 'regression', 'many', 'y', 'xgboost', '{"n_estimators": 20}')`,
	`SELECT * FROM pgml.train('p%d', 'regression', 'many', 'y', 'xgboost', '{"n_estimators": 10}', materialize_snapshot => true)`,
	`SELECT * FROM pgml.train('p%d', 'regression', 'many', 'y', 'xgboost', search => 'grid', search_params => '{"n_estimators": [1, 5]}', search_args => '{"cv": 2}')`,
	`SELECT * FROM pgml.train_joint('p%d', 'regression', 'pairs', '{a,b}', 'xgboost', '{"n_estimators": 5}')`,
	`SELECT * FROM pgml.train('p%d', 'regression', 'pairs', 'a', 'xgboost', '{"n_estimators": 5}', group_by => 'b')`,
	`SELECT * FROM pgml.train('steady', 'regression', 'many', 'y', 'xgboost', '{"n_estimators": 10}', materialize_snapshot => true)`,
	`SELECT * FROM pgml.train('steady', hyperparams => '{"n_estimators": 15}', algorithm => 'xgboost')`,
}

// endings are how. A training that an ending comes too late for has been made, and counts.
var endings = []string{"timeout", "cancel", "backend", "client", "rollback", "rollback to savepoint", "late rollback", "proxy"}

// leftovers counts what only half a training could have left, by kind. The registry's owner is the test's.
const leftovers = `SELECT concat_ws(', ',
	'unfinished models ' || nullif((SELECT count(*) FROM pgml.models WHERE status <> 'successful' OR metrics IS NULL OR num_features = 0 OR NOT lineage ? 'seed'), 0),
	'models without their file ' || nullif((SELECT count(*) FROM pgml.models m WHERE NOT EXISTS (SELECT FROM pgml.files f WHERE f.model_id = m.id AND f.part = 0 AND length(f.data) > 0)), 0),
	'files of no model ' || nullif((SELECT count(*) FROM pgml.files f WHERE NOT EXISTS (SELECT FROM pgml.models m WHERE m.id = f.model_id)), 0),
	'snapshots of no model ' || nullif((SELECT count(*) FROM pgml.snapshots s WHERE columns IS NULL OR analysis IS NULL OR NOT EXISTS (SELECT FROM pgml.models m WHERE m.snapshot_id = s.id)), 0),
	'projects of no model ' || nullif((SELECT count(*) FROM pgml.projects p WHERE NOT EXISTS (SELECT FROM pgml.models m WHERE m.project_id = p.id)), 0),
	'deployments of other projects ' || nullif((SELECT count(*) FROM pgml.deployments d JOIN pgml.models m ON m.id = d.model_id WHERE m.project_id <> d.project_id), 0),
	'copies of no snapshot ' || nullif((SELECT count(*) FROM pg_tables t WHERE schemaname = 'pgml' AND tablename ~ '^snapshot_\d+$'
		AND NOT EXISTS (SELECT FROM pgml.snapshots s WHERE s.materialized AND 'snapshot_' || s.id = t.tablename)), 0),
	'snapshots without their copy ' || nullif((SELECT count(*) FROM pgml.snapshots s WHERE s.materialized AND to_regclass('pgml.snapshot_' || s.id) IS NULL), 0),
	'functions of no model ' || nullif((SELECT count(*) FROM pg_proc p WHERE p.pronamespace = 'pgowl'::regnamespace AND p.proname ~ '^model_\d+$'
		AND NOT EXISTS (SELECT FROM pgml.models m WHERE 'model_' || m.id = p.proname)), 0),
	'live models too many ' || nullif((SELECT count(*) FROM (SELECT name FROM pgml.trained_models WHERE deployed GROUP BY name HAVING count(*) > 1) x), 0))`

// TestKilledTrainings ends trainings at random moments, by timeouts and cancel requests, by ending the session's backend, the client or the proxy, and by
// rolling back, and looks for halves of them in the registry: there is all of a training or nothing. FAULT_TRAININGS is how often, FAULT_SEED repeats the
// choices (not the moments).
func TestKilledTrainings(t *testing.T) {
	count := number("FAULT_TRAININGS", 50)
	seed := uint64(number("FAULT_SEED", int(time.Now().UnixNano())))
	t.Logf("FAULT_SEED=%d", seed)
	dice := rand.New(rand.NewPCG(seed, 0))
	url := pgtest.Start(t).Database(t)
	start := func() *owl { return launch(t, url, "PGOWL_SQL_MODEL_NODES=100000") } // models of SQL are part of what is rolled back
	o := start()
	prepare(t, through(url, o.sql))
	direct := connect(t, url)
	must := func(conn *pgx.Conn, sql string) {
		t.Helper()
		if err := wait(t, run(conn, sql)); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	ask := func(sql string) (text string) {
		t.Helper()
		if err := direct.QueryRow(context.Background(), "SELECT ("+sql+")::text").Scan(&text); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		return text
	}
	must(direct, "CREATE TABLE pairs AS SELECT i AS x, i * 2.0 AS a, i % 7 AS b FROM generate_series(1, 5000) i")
	usual := make([]time.Duration, len(trainings)) // how long each takes
	whole := connect(t, through(url, o.sql))
	for i, sql := range trainings {
		begun := time.Now()
		must(whole, made(sql, i))
		usual[i] = time.Since(begun)
	}
	models := ask("SELECT count(*) FROM pgml.models")
	survived, lost := map[string]int{}, map[string]int{}
	for i := range count {
		which, how := dice.IntN(len(trainings)), endings[dice.IntN(len(endings))]
		project, sql := fmt.Sprintf("p%d", 1000+i), made(trainings[which], 1000+i)
		if strings.Contains(sql, "'steady'") {
			project = "steady"
		}
		moment := time.Duration(dice.Int64N(int64(usual[which] * 11 / 10)))
		conn := connect(t, through(url, o.sql))
		pid := conn.PgConn().PID()
		before := ask("SELECT count(*) FROM pgml.models")
		switch how {
		case "timeout":
			must(conn, fmt.Sprintf("SET statement_timeout = %d", max(1, moment.Milliseconds())))
		case "rollback", "late rollback", "rollback to savepoint":
			must(conn, "BEGIN")
			must(conn, "CREATE TEMP TABLE mine (a int); SAVEPOINT s")
		}
		done := run(conn, sql)
		var err error
		ended, ambiguous := false, false
		select {
		case err = <-done:
			ended = true
		case <-time.After(moment):
		}
		switch how {
		case "cancel":
			if !ended {
				if err := conn.PgConn().CancelRequest(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
		case "rollback", "rollback to savepoint":
			if !ended { // what a client does that rolls back in the middle
				conn.PgConn().CancelRequest(context.Background())
			}
		case "backend":
			must(direct, fmt.Sprintf("SELECT pg_terminate_backend(%d)", pid))
			ambiguous = true
		case "client":
			conn.PgConn().Conn().Close()
			ambiguous = true
		case "proxy":
			o.kill()
			ambiguous = true
		}
		if !ended {
			err = wait(t, done)
		}
		switch how {
		case "rollback", "late rollback":
			must(conn, "ROLLBACK")
			err = context.Canceled
		case "rollback to savepoint":
			must(conn, "ROLLBACK TO s")
			must(conn, "INSERT INTO mine VALUES (1); COMMIT")
			err = context.Canceled
		}
		if !ambiguous && err != nil && err != context.Canceled && code(err) != "57014" {
			t.Fatalf("%s, %s after %v: %v", sql, how, moment, err)
		}
		if ambiguous || how == "proxy" {
			await(t, url, "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $1", pid)
		}
		if how == "proxy" {
			o = start()
		}
		after := ask("SELECT count(*) FROM pgml.models")
		one := ask(fmt.Sprintf("SELECT %s + 1", before))
		switch {
		case err == nil && after != one:
			t.Errorf("%s, %s after %v: ended well, and %s models have become %s", sql, how, moment, before, after)
		case err != nil && !ambiguous && after != before, err != nil && ambiguous && after != before && after != one:
			t.Errorf("%s, %s after %v: failed (%v), and %s models have become %s", sql, how, moment, err, before, after)
		}
		if rest := ask(leftovers); rest != "" {
			t.Errorf("%s, %s after %v (%v): %s", sql, how, moment, err, rest)
		}
		if after == one {
			survived[how]++
			fresh := connect(t, through(url, o.sql))
			must(fresh, fmt.Sprintf("SELECT pgml.predict('%s', %s)", project, features(sql)))
			fresh.Close(context.Background())
		} else {
			lost[how]++
		}
		conn.Close(context.Background())
		if t.Failed() {
			t.Fatalf("after %d endings", i+1)
		}
	}
	must(connect(t, through(url, o.sql)), "SELECT pgml.predict('steady', ARRAY[1,2,3,4]::real[])")
	t.Logf("%s models at first, %s at last; whole trainings take %v; ended in the middle %v, too late %v", models, ask("SELECT count(*) FROM pgml.models"), usual, lost, survived)
}

// features are such as the model of a training takes.
func features(training string) string {
	switch {
	case strings.Contains(training, "group_by"):
		return "ARRAY[3,1]::real[]"
	case strings.Contains(training, "train_joint"):
		return "ARRAY[3]::real[]"
	}
	return "ARRAY[1,2,3,4]::real[]"
}

// made is a statement for an attempt.
func made(sql string, attempt int) string { return strings.ReplaceAll(sql, "%d", fmt.Sprint(attempt)) }
