package forms

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/integration/pgtest"
)

// trained has three projects: line (regression), updown (two classes) and kinds (three).
func trained(t *testing.T, server *pgtest.Server, nodes int) (*world, *pgx.Conn) {
	w := open(t, server, nodes)
	owl := w.dial(w.owl)
	run(t, owl, "CREATE VIEW v_line AS SELECT x, y FROM points; CREATE VIEW v_updown AS SELECT a, x, up FROM points; CREATE VIEW v_kinds AS SELECT x, kind FROM points")
	w.train(owl, "line", "regression", "y", `{"n_estimators": 30}`)
	w.train(owl, "updown", "classification", "up", `{"n_estimators": 10, "objective": "binary:logistic"}`)
	w.train(owl, "kinds", "classification", "kind", `{"n_estimators": 10}`)
	return w, owl
}

// The same statements everywhere: values and errors.
var statements = []string{
	"SELECT pgml.predict('line', x) FROM points ORDER BY a, b LIMIT 50",
	"SELECT pgml.predict('updown', array_prepend(a, x)) FROM points ORDER BY a, b LIMIT 50",
	"SELECT pgml.predict('kinds', x) FROM points ORDER BY a, b LIMIT 50",
	"SELECT count(*) FROM points WHERE pgml.predict('line', x) > 20",
	"SELECT pgml.predict('line', '{1,2,3}')",
	"SELECT pgml.predict('line', ARRAY[1,2,3])",
	"SELECT pgml.predict('line', ARRAY[1.5,2,3])",
	"SELECT pgml.predict('line', ARRAY[1,NULL,3]::real[])",
	"SELECT pgml.predict('line', NULL::real[])",
	"SELECT pgml.predict('line', ARRAY['NaN','Infinity','-Infinity']::real[])",
	"SELECT pgml.predict('line', ARRAY[1,2]::real[])",
	"SELECT pgml.predict('line', ARRAY[1,2,3,4,5,6]::real[])",
	"SELECT pgml.predict('line', '{}'::real[])",
	"SELECT pgml.predict('line', ARRAY[[1],[2],[3]]::real[])",
	"SELECT pgml.predict('line', '[0:2]={1,2,3}'::real[])",
	"SELECT pgml.predict('line', x) FROM (SELECT x[1:3] FROM points ORDER BY a, b LIMIT 5) s (x)",
	"SELECT pgml.predict('nosuch', ARRAY[1,2,3]::real[])",
	"SELECT pgml.predict(1::bigint, ARRAY[1,2,3]::real[])",
	"SELECT pgml.predict(99::bigint, ARRAY[1,2,3]::real[])",
	"SELECT pgml.predict('line', ROW(1, true, 3.5))",
	"SELECT pgml.predict('line', ROW(1, ARRAY[2, 3]))",
	"SELECT pgml.predict('line', ROW(1, ARRAY['NaN', 3]::real[]))",
	"SELECT pgml.predict('line', ROW(1, NULL, 3))",
	"SELECT pgml.predict('line', ROW(1, 'x'::text, 3))",
	"SELECT pgml.predict('line', ROW(1, ROW(2, 3)))",
	"SELECT pgml.predict('line', ROW(1, 2))",
	"SELECT pgml.predict('line', 5)",
	"SELECT pgml.predict('line', points) FROM (SELECT x FROM points ORDER BY a, b LIMIT 3) points",
	"SELECT pgml.predict('line', '{\"a\": 1}'::jsonb)",
	"SELECT pgml.predict('homes', h) FROM homes_rows h ORDER BY h",
	"SELECT pgml.predict_label('updown', ARRAY[1,2,3,4])",
	"SELECT pgml.predict_label('updown', '{20,2,3,4}')",
	"SELECT pgml.predict_label('kinds', x) FROM points ORDER BY a, b LIMIT 20",
	"SELECT pgml.predict_label('kinds', ARRAY[1.5,2]::float8[])",
	"SELECT pgml.predict_label('line', ARRAY[1,2,3]::real[])",
	"SELECT pgml.predict_label('line', ROW(1,2,3))",
	"SELECT pgml.predict_proba('updown', ARRAY[1,2,3,4]::real[])",
	"SELECT pgml.predict_proba('kinds', ARRAY[1,2,3]::real[])",
	"SELECT pgml.predict_proba('kinds', ARRAY[1,2,3,4,5,6]::real[])",
	"SELECT pgml.predict_proba('kinds', ARRAY[1,2,3,4]::real[])",
	"SELECT pgml.predict_proba('line', ARRAY[1,2,3]::real[])",
	"SELECT pgml.predict_batch('kinds', array_agg(x ORDER BY a, b)) FROM points WHERE a < 3",
	"SELECT pgml.predict_batch('kinds', ARRAY[1,2,3,4]::real[])",
	"SELECT pgml.predict_batch('kinds', '{}'::real[])",
}

// play asks all of them.
func play(t *testing.T, conn *pgx.Conn, before string) []string {
	t.Helper()
	var all []string
	for _, sql := range statements {
		if before != "" {
			run(t, conn, before)
		}
		all = append(all, ask(t, conn, sql))
		if before != "" {
			run(t, conn, "ROLLBACK")
		}
	}
	return all
}

// equal compares answers with those of the engine. Probabilities go through an exponential function of another library.
func equal(t *testing.T, where string, want, got []string) {
	t.Helper()
	for i := range want {
		if want[i] != got[i] && !strings.Contains(statements[i], "proba") {
			t.Errorf("%s: %s\n by the engine %s\n here          %s", where, statements[i], want[i], got[i])
		}
		if strings.Contains(statements[i], "proba") && !close(want[i], got[i]) {
			t.Errorf("%s: %s\n by the engine %s\n here          %s", where, statements[i], want[i], got[i])
		}
	}
}

// close compares two arrays of numbers, or errors.
func close(a, b string) bool {
	as, bs := strings.FieldsFunc(a, comma), strings.FieldsFunc(b, comma)
	if len(as) != len(bs) {
		return false
	}
	for i := range as {
		var x, y float64
		if _, err := fmt.Sscan(as[i], &x); err != nil {
			if as[i] != bs[i] {
				return false
			}
			continue
		}
		if _, err := fmt.Sscan(bs[i], &y); err != nil || x-y > 1e-6 || y-x > 1e-6 {
			return false
		}
	}
	return true
}

func comma(r rune) bool { return strings.ContainsRune("{}, ", r) }

// TestTheSameEverywhere: by the engine, and then by SQL through PgOwl, around it, read-only, in each isolation, in parallel, and with PgOwl stopped.
func TestTheSameEverywhere(t *testing.T) {
	w, owl := trained(t, pgtest.Start(t), 16384)
	run(t, owl, "SET pgowl.lanes = 'call'; SET pgowl.forms = 'off'")
	want := play(t, owl, "")
	for i, answer := range want {
		if strings.HasPrefix(answer, "0A000 PgOwl") || answer == "" {
			t.Errorf("%s: %q", statements[i], answer)
		}
	}
	run(t, owl, "SET pgowl.forms = 'on'")
	equal(t, "through PgOwl, forms on", want, play(t, owl, ""))
	run(t, owl, "RESET pgowl.forms")
	equal(t, "through PgOwl", want, play(t, owl, ""))
	direct := w.dial(w.as(w.alice))
	equal(t, "direct", want, play(t, direct, ""))
	for _, how := range []string{"BEGIN READ ONLY", "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", "BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY, DEFERRABLE"} {
		equal(t, how, want, play(t, direct, how))
	}
	// A token by itself is nothing.
	run(t, direct, "SET pgowl.session = 'a.b.c'")
	equal(t, "a made-up token", want, play(t, direct, ""))
	w.stop()
	equal(t, "PgOwl stopped", want, play(t, w.dial(w.as(w.alice)), ""))
}

// TestParallel: plans that must run in workers give the same as plans that must not, with and without PgOwl, also where a model has no form.
func TestParallel(t *testing.T) {
	w, owl := trained(t, pgtest.Start(t), 16384)
	direct := w.dial(w.as(w.alice))
	run(t, owl, "CREATE TABLE many AS SELECT i AS id, ARRAY[i % 20, i / 20 % 20, i % 5]::real[] AS x FROM generate_series(1, 6000) i; ANALYZE many")
	const parallel = "SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET pgowl.lanes = 'call'"
	queries := []string{
		"SELECT sum(id) FROM many WHERE pgml.predict('line', x) > 20 AND id % 3 = 0",
		"SELECT sum(pgml.predict('kinds', x)) FROM many WHERE id % 3 = 0",
		"SELECT sum(id) FROM many WHERE (pgml.predict_proba('updown', array_append(x, 1::real)))[2] > 0.5 AND id % 3 = 0",
		"SELECT s FROM (SELECT id, pgml.predict('line', x) AS s FROM many WHERE id % 600 = 0) q ORDER BY id",
	}
	var want []string
	for _, q := range queries {
		want = append(want, ask(t, owl, q))
	}
	check := func(where string) {
		t.Helper()
		for name, conn := range map[string]*pgx.Conn{"direct": direct, "through PgOwl": w.dial(w.owl)} {
			run(t, conn, parallel)
			for i, q := range queries {
				if got := ask(t, conn, q); got != want[i] && !strings.HasPrefix(got, "55000") {
					t.Errorf("%s, %s: %s is %s, want %s", name, where, q, got, want[i])
				}
			}
		}
	}
	check("forms")
	plan := ask(t, direct, "EXPLAIN (ANALYZE, TIMING OFF) "+queries[0])
	if !strings.Contains(plan, "Workers Launched: 2") || strings.Index(plan, "Gather") > strings.Index(plan, "predict") {
		t.Errorf("not in workers:\n%s", plan)
	}
	// A live model without form: no worker may compute any, as labels are those of functions.
	w.stop()
	w.start(10)
	owl = w.dial(w.owl)
	w.train(owl, "line", "regression", "y", `{"n_estimators": 30}`)
	if got := ask(t, direct, queries[0]); !strings.HasPrefix(got, "55000") {
		t.Errorf("a model without form, direct: %s", got)
	}
	check("without a form")
	if plan := ask(t, direct, "EXPLAIN "+queries[1]); strings.Contains(plan, "Partial") {
		t.Errorf("in workers, where a model has no form:\n%s", plan)
	}
	// Were it otherwise, workers would be told.
	super := w.dial(w.url)
	run(t, super, "ALTER FUNCTION pgml.predict(text, real[]) PARALLEL SAFE")
	run(t, owl, parallel+"; SET parallel_leader_participation = off")
	if got := ask(t, owl, queries[0]); got != "0A000 PgOwl cannot be called by a parallel worker /  / Set max_parallel_workers_per_gather to 0, or try again." {
		t.Error(got)
	}
	run(t, super, "ALTER FUNCTION pgml.predict(text, real[]) PARALLEL RESTRICTED")
	run(t, owl, "SELECT * FROM pgml.deploy('line', 'rollback')")
	if plan := ask(t, direct, "EXPLAIN "+queries[1]); !strings.Contains(plan, "Partial") {
		t.Errorf("not in workers again:\n%s", plan)
	}
	check("after the rollback")
}

// TestTooLarge: a model beyond the limit says what to do, and PgOwl goes on computing it.
func TestTooLarge(t *testing.T) {
	w, owl := trained(t, pgtest.Start(t), 100)
	direct := w.dial(w.as(w.alice))
	want := "55000 model 1 is computed by PgOwl, and this session does not come through it / The model is not in the database as SQL: it has more than the 100 nodes that PGOWL_SQL_MODEL_NODES allows. / " +
		"Connect through PgOwl's address instead of the server's, or raise PGOWL_SQL_MODEL_NODES and deploy the model again."
	if got := ask(t, direct, statements[0]); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := ask(t, owl, statements[0]); strings.Contains(got, "55000") {
		t.Error(got)
	}
	w.stop()
	w.start(16384)
	run(t, direct, "SELECT * FROM pgml.deploy(1)") // in a session that does not come through PgOwl
	if got := ask(t, direct, statements[0]); strings.Contains(got, "55000") {
		t.Error(got)
	}
}

// forms are the models that are functions, as the catalog has them.
func (w *world) forms() string {
	w.t.Helper()
	super := w.dial(w.url)
	defer super.Close(w.t.Context())
	functions := ask(w.t, super, "SELECT substr(proname, 7) FROM pg_proc WHERE pronamespace = 'pgowl'::regnamespace AND proname ~ '^model_[0-9]+$' ORDER BY substr(proname, 7)::int")
	if rows := ask(w.t, super, "SELECT model_id FROM pgowl.forms WHERE why IS NULL ORDER BY model_id"); rows != functions {
		w.t.Errorf("functions %s, rows %s", functions, rows)
	}
	return strings.TrimSpace(functions)
}

// TestComingAndGoing: forms follow deployments, and leave with their models.
func TestComingAndGoing(t *testing.T) {
	w, owl := trained(t, pgtest.Start(t), 16384)
	direct := w.dial(w.as(w.alice))
	expect := func(when, want string) {
		t.Helper()
		if got := w.forms(); got != want {
			t.Errorf("%s: forms of %q, want %q", when, got, want)
		}
	}
	expect("trained", "1 2 3")
	run(t, owl, "BEGIN")
	w.train(owl, "line", "regression", "y", `{"n_estimators": 30}`) // 4
	run(t, owl, "ROLLBACK")
	expect("rolled back", "1 2 3")
	run(t, owl, `SELECT * FROM pgml.train('line', NULL, 'v_line', 'y', 'xgboost', '{"n_estimators": 2}', automatic_deploy => false, test_sampling => 'last')`) // 5
	expect("not deployed", "1 2 3")
	run(t, direct, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM points LIMIT 1")
	before := ask(t, direct, statements[0])
	run(t, owl, "SELECT * FROM pgml.deploy(5)")
	expect("another model", "1 2 3 5")
	if got := ask(t, direct, statements[0]); got != before {
		t.Error("a snapshot of before has another model")
	}
	run(t, direct, "COMMIT")
	after := ask(t, direct, statements[0])
	if after == before {
		t.Error("the new model is not used")
	}
	w.train(owl, "line", "regression", "y", `{"n_estimators": 40}`) // 6
	expect("a third one", "2 3 5 6")
	run(t, direct, "SELECT * FROM pgml.deploy('line', 'rollback')")
	expect("rolled back to 5", "2 3 5 6")
	if got := ask(t, direct, statements[0]); got != after {
		t.Error("the rollback is not used")
	}
	run(t, direct, "SELECT * FROM pgml.deploy(1)")
	expect("back to the first", "1 2 3 5")
	if got := ask(t, direct, statements[0]); got != before {
		t.Error("the first one is not used")
	}
	// By number: only what has a form.
	if got := ask(t, direct, "SELECT pgml.predict(6::bigint, '{1,2,3}'::real[])"); !strings.Contains(got, "only deployed models are") {
		t.Error(got)
	}
	super := w.dial(w.url)
	run(t, super, "DELETE FROM pgml.deployments WHERE model_id = 1")
	expect("undone", "2 3 5")
	run(t, super, "DELETE FROM pgml.models WHERE id = 6")
	expect("a model deleted", "2 3 5")
	run(t, super, "DELETE FROM pgml.projects WHERE name = 'updown'")
	expect("a project deleted", "3 5")
	run(t, super, "TRUNCATE pgml.models CASCADE")
	owner := w.dial(strings.Replace(w.owl, w.alice, w.owner, 1))
	run(t, owner, "CREATE EXTENSION pgml")
	run(t, owner, "DROP EXTENSION pgml CASCADE")
	expect("the extension dropped", "")
}

// TestRights: what a role may call is what GRANT says of pgml.predict, and nothing leads around it.
func TestRights(t *testing.T) {
	w, owl := trained(t, pgtest.Start(t), 16384)
	direct, super := w.dial(w.as(w.alice)), w.dial(w.url)
	denied := func(sql string) {
		t.Helper()
		for name, conn := range map[string]*pgx.Conn{"direct": direct, "through PgOwl": owl} {
			if got := ask(t, conn, sql); !strings.HasPrefix(got, "42501 permission denied") {
				t.Errorf("%s: %s: %s", name, sql, got)
			}
		}
	}
	for _, sql := range []string{
		"SELECT pgowl.model_1('{1,2,3}', false)", "SELECT pgowl.predict(1, '{1,2,3}')", "SELECT pgowl.form_value(1, '{1,2,3}')", "SELECT pgowl.write_form(1, 1)",
		"SELECT pgowl.make_form(1)", "SELECT pgowl.drop_form(1)", "SELECT pgowl.settle_forms(1)", "SELECT pgowl.label_predictions()", "SELECT * FROM pgowl.forms",
		"UPDATE pgowl.settings SET value = 1000000", "SELECT pgowl.through()", "SELECT pgowl.sweep_forms()",
	} {
		denied(sql)
	}
	run(t, super, "REVOKE EXECUTE ON FUNCTION pgml.predict(text, real[]) FROM PUBLIC")
	denied("SELECT pgml.predict('line', '{1,2,3}'::real[])")
	run(t, super, "GRANT EXECUTE ON FUNCTION pgml.predict(text, real[]) TO "+w.alice)
	if got := ask(t, direct, "SELECT pgml.predict('line', '{1,2,3}'::real[])"); strings.HasPrefix(got, "42501") {
		t.Error(got)
	}
}

// TestStandby: predictions on a streaming hot standby, with the primary there and without.
func TestStandby(t *testing.T) {
	server := pgtest.Start(t, pgtest.Setting("wal_level", "replica"))
	w, owl := trained(t, server, 16384)
	run(t, owl, "SET pgowl.lanes = 'call'; SET pgowl.forms = 'off'")
	want := play(t, owl, "")
	standby := server.Standby(t)
	there := strings.Replace(w.as(w.alice), fmt.Sprint(server.Port()), fmt.Sprint(standby.Port()), 1)
	conn := w.dial(there)
	equal(t, "standby", want, play(t, conn, ""))
	// A new deployment arrives there with its form.
	w.train(owl, "line", "regression", "y", `{"n_estimators": 60}`)
	want = play(t, owl, "")
	deadline := time.Now().Add(3 * time.Minute)
	super := w.dial(strings.Replace(w.url, fmt.Sprint(server.Port()), fmt.Sprint(standby.Port()), 1))
	for ask(t, super, "SELECT model_id FROM pgml.deployments ORDER BY id DESC LIMIT 1") != "4 " {
		if time.Now().After(deadline) {
			t.Fatal("the standby does not follow")
		}
		time.Sleep(20 * time.Millisecond) // nothing signals a standby's replay
	}
	equal(t, "standby, another model", want, play(t, conn, ""))
	w.stop()
	server.Stop()
	equal(t, "standby alone", want, play(t, w.dial(there), ""))
}
