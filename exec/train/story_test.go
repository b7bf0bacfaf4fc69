package train

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/learn"
	"github.com/pgowl/pgowl/models/store"
)

// points makes a table of 200 rows that a tree can learn without a mistake: the label is true where a is above 100.
const points = `
CREATE TABLE public.points (id serial, a int, "b ""c" real[], d numeric, e bool, f float8[][], yes boolean, size int, amount float8);
INSERT INTO public.points (a, "b ""c", d, e, f, yes, size, amount)
SELECT i, ARRAY[i * 0.5, -i, 1e-30]::real[], i / 7.0, i % 2 = 0, ARRAY[[i, 1e-300], [2 * i, 7]]::float8[], i > 100,
	CASE WHEN i > 150 THEN 900 WHEN i > 100 THEN -7 ELSE 40 END, i * 2.5
FROM generate_series(1, 200) i;
ALTER TABLE public.points DROP COLUMN id;
CREATE VIEW public.seasons AS SELECT p.*, CASE WHEN a > 100 THEN 'été' ELSE 'hiver' END AS kind FROM points p;
`

// published keeps what Train publishes.
type published map[int64]store.Header

func (p published) Publish(id int64, h store.Header, m learn.Model) { p[id] = h }

// seeded is Train with the same split every time.
func seeded(ctx context.Context, s function.Session, req Request, models Publisher, log *zap.Logger) (Result, error) {
	r := &run{s: s, req: req, models: models, log: log, now: time.Now, seed: func() uint64 { return 1 }}
	return r.train(ctx)
}

func request(d *database, args string) Request {
	d.tb.Helper()
	r, err := Decode([]byte(args))
	if err != nil {
		d.tb.Fatalf("%s: %v", args, err)
	}
	return r
}

func (d *database) train(args string) (*session, Result, error) {
	d.tb.Helper()
	s := d.begin()
	result, err := seeded(d.tb.Context(), s, request(d, args), published{}, zaptest.NewLogger(d.tb, zaptest.Level(zap.WarnLevel)))
	return s, result, err
}

func (d *database) mustTrain(args string) (*session, Result) {
	d.tb.Helper()
	s, result, err := d.train(args)
	if err != nil {
		d.tb.Fatalf("%s: %v", args, err)
	}
	s.commit()
	return s, result
}

func TestTrainsEveryKindOfLabel(t *testing.T) {
	d := newDatabase(t)
	d.sql(points)
	d.sql("GRANT SELECT ON points, seasons TO " + quote(d.alice))
	for _, c := range []struct {
		label, task, relation, features, classes, kind, metric string
	}{
		{"yes", "classification", "points", "12", "[false true]", "bool", "f1"},
		{"kind", "classification", "seasons", "13", "[hiver été]", "text", "f1"},
		{"size", "classification", "points", "12", "[-7 40 900]", "int", "f1"},
		{"amount", "regression", "points", "12", "[]", "float", "r2"},
	} {
		t.Run(c.label, func(t *testing.T) {
			s := d.begin()
			models := published{}
			args := fmt.Sprintf(`{"project_name": "p %s", "task": "%s", "relation_name": "%s", "y_column_name": "%s", "algorithm": "xgboost"}`, c.label, c.task, c.relation, c.label)
			result, err := seeded(t.Context(), s, request(d, args), models, zap.NewNop())
			if err != nil {
				t.Fatal(err)
			}
			if want := (Result{"p " + c.label, c.task, "xgboost", true, result.Rows}); result != want || result.Rows == 0 {
				t.Errorf("got %+v, want %+v", result, want)
			}
			s.commit()
			id := d.value("SELECT max(id) FROM pgml.models")
			if len(models) != 1 {
				t.Fatalf("published %v", models)
			}
			for _, h := range models {
				if got := fmt.Sprint(h.Label.Classes); got != c.classes || string(h.Label.Kind) != c.kind {
					t.Errorf("label %s %s, want %s %s", h.Label.Kind, got, c.kind, c.classes)
				}
			}
			if got := d.value("SELECT status || ' ' || num_features || ' ' || runtime || ' ' || hyperparams FROM pgml.models WHERE id = " + id); got != "successful "+c.features+" rust {}" {
				t.Errorf("model row: %s", got)
			}
			if got := d.value(fmt.Sprintf("SELECT (metrics->>'%s')::float8 > 0.95 AND metrics ? 'fit_time' AND metrics ? 'score_time' FROM pgml.models WHERE id = %s", c.metric, id)); got != "true" {
				t.Errorf("metrics: %s", d.value("SELECT metrics FROM pgml.models WHERE id = "+id))
			}
			if got := d.value("SELECT string_agg(path || part || ' ' || (length(data) > 0), ',') FROM pgml.files WHERE model_id = " + id); got != "estimator.rmp0 true" {
				t.Errorf("files: %s", got)
			}
			if got := d.value("SELECT model_id || ' ' || strategy FROM pgml.deployments ORDER BY id DESC LIMIT 1"); got != id+" new_score" {
				t.Errorf("deployment: %s", got)
			}
		})
	}
	if got, want := d.value("SELECT jsonb_path_query_array(columns, '$[*].name') FROM pgml.snapshots ORDER BY id LIMIT 1"),
		`["a", "b \"c", "d", "e", "f", "yes", "size", "amount"]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestTellsWhatItDoes pins the messages, but for the figures that depend on chance or time.
func TestTellsWhatItDoes(t *testing.T) {
	d := newDatabase(t)
	d.sql("CREATE TABLE public.t (x real, y bool); INSERT INTO t SELECT i, i > 4 FROM generate_series(1, 8) i; GRANT SELECT ON t TO PUBLIC")
	s, _ := d.mustTrain(`{"project_name": "p", "task": "classification", "relation_name": "t", "y_column_name": "y", "algorithm": "xgboost",
		"hyperparams": {"max_depth": 2}, "test_sampling": "stratified"}`)
	var got []string
	for _, m := range s.messages {
		for _, cut := range []string{"min: ", "estimator ", "Metrics: {"} {
			if i := strings.Index(m, cut); i >= 0 {
				m = m[:i+len(cut)] + "..."
			}
		}
		got = append(got, m)
	}
	want := []string{
		`INFO: Snapshotting table "t", this may take a little while...`,
		`INFO: Dataset { num_features: 1, num_labels: 1, num_distinct_labels: 2, num_rows: 8, num_train_rows: 6, num_test_rows: 2 }`,
		`INFO: Column "x": Statistics { min: ...`,
		`INFO: Column "y": Statistics { min: ...`,
		`INFO: Training Model { id: 1, task: classification, algorithm: xgboost, runtime: rust }`,
		`INFO: Hyperparameter searches: 1, cross validation folds: 1`,
		"INFO: Hyperparams: {\n  \"max_depth\": 2\n}",
		`INFO: Testing classification estimator ...`,
		`INFO: Metrics: {...`,
		`INFO: Deploying model id: 1`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestTrainsAgainOnTheLastSnapshot(t *testing.T) {
	d := newDatabase(t)
	d.sql(points)
	d.sql("DROP VIEW seasons; ALTER TABLE points DROP size, DROP amount; GRANT SELECT ON points TO " + quote(d.alice))
	d.mustTrain(`{"project_name": "p", "task": "classification", "relation_name": "public.points", "y_column_name": "yes", "algorithm": "xgboost", "test_sampling": "random"}`)
	d.sql("ALTER TABLE points ADD later int DEFAULT 1")
	s, result := d.mustTrain(`{"project_name": "p", "algorithm": "xgboost", "test_sampling": "random", "task": null}`)
	if !result.Deployed || result.Task != "classification" {
		t.Errorf("got %+v", result)
	}
	if !s.told(`INFO: Using existing snapshot from "pgml"."snapshot_1"`) || !s.told("INFO: Comparing to deployed model f1: Some(") || !s.told("INFO: Dataset { num_features: 10,") {
		t.Errorf("messages: %q", s.messages)
	}
	if got := d.value("SELECT count(*) || ' ' || count(DISTINCT snapshot_id) || ' ' || (SELECT count(*) FROM pgml.snapshots) FROM pgml.models"); got != "2 1 1" {
		t.Errorf("models, snapshots: %s", got)
	}
	d.sql("ALTER TABLE points DROP d")
	if s, _, err := d.train(`{"project_name": "p", "algorithm": "xgboost"}`); code(err) != `42703 Column "d" of snapshot 1 is not in relation "public"."points" any more` {
		t.Errorf("got %s %v", code(err), s.messages)
	}
}

func TestDecidesAboutDeployment(t *testing.T) {
	d := newDatabase(t)
	d.sql(points)
	d.sql("GRANT SELECT ON points TO " + quote(d.alice))
	const args = `{"project_name": "p", "task": "classification", "relation_name": "points", "y_column_name": "yes", "algorithm": "xgboost"`
	d.mustTrain(args + `}`)
	s, result := d.mustTrain(args + `, "automatic_deploy": false}`)
	if result.Deployed || !s.told("WARNING: Automatic deployment disabled via configuration.") || !s.told("WARNING: Not deploying newly trained model.") {
		t.Errorf("%+v %q", result, s.messages)
	}
	d.sql(`UPDATE pgml.models SET metrics = '{"f1": 2}' WHERE id = 1`)
	s, result = d.mustTrain(args + `}`)
	if result.Deployed || !s.told("INFO: Comparing to deployed model f1: Some(2.0)") || !s.told("WARNING: New model's f1 is not better than current model. New: ") || !s.told("WARNING: Not deploying") {
		t.Errorf("%+v %q", result, s.messages)
	}
	s, result = d.mustTrain(args + `, "test_size": 0}`)
	if result.Deployed || !s.told("WARNING: No metrics for new model. Retaining old model.") {
		t.Errorf("%+v %q", result, s.messages)
	}
	d.sql(`UPDATE pgml.models SET metrics = '{"f1": null}' WHERE id = 1`)
	s, result = d.mustTrain(args + `}`)
	if !result.Deployed || !s.told("WARNING: No metrics for deployed model. Deploying new model.") {
		t.Errorf("%+v %q", result, s.messages)
	}
}

// TestMaterialisesWithTheCallersRights looks at who may do what with the copy.
func TestMaterialisesWithTheCallersRights(t *testing.T) {
	d := newDatabase(t)
	d.sql("CREATE TABLE public.t (x real[], name varchar(9)); INSERT INTO t SELECT ARRAY[i, 1], 'n' || i % 2 FROM generate_series(1, 40) i")
	d.sql("GRANT SELECT ON t TO " + quote(d.alice))
	s, _ := d.mustTrain(`{"project_name": "p", "task": "classification", "relation_name": "t", "y_column_name": "name", "algorithm": "xgboost", "materialize_snapshot": true}`)
	if !s.told(`INFO: Snapshot of table "t" created and saved in "pgml"."snapshot_1"`) {
		t.Errorf("messages: %q", s.messages)
	}
	if got := d.value("SELECT count(*) FROM pgml.snapshot_1"); got != "40" {
		t.Errorf("%s rows", got)
	}
	rights := fmt.Sprintf("SELECT string_agg(p || ' ' || has_table_privilege(r, 'pgml.snapshot_1', p)::text, ',') FROM unnest(ARRAY['SELECT','INSERT','UPDATE']) p, (SELECT '%s'::name) AS role(r)", d.alice)
	if got := d.value(rights); got != "SELECT true,INSERT false,UPDATE false" {
		t.Errorf("the caller: %s", got)
	}
	if got := d.value("SELECT has_table_privilege('public', 'pgml.snapshot_1', 'SELECT')::text || pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'pgml.snapshot_1'::regclass"); got != "false"+d.owner {
		t.Errorf("public and owner: %s", got)
	}
	d.sql("DROP TABLE t")
	d.mustTrain(`{"project_name": "p", "algorithm": "xgboost"}`)
	d.sql("REVOKE SELECT ON pgml.snapshot_1 FROM " + quote(d.alice))
	if _, _, err := d.train(`{"project_name": "p", "algorithm": "xgboost"}`); code(err) != "42501 permission denied for table snapshot_1" {
		t.Errorf("got %s", code(err))
	}
}

func TestErrors(t *testing.T) {
	d := newDatabase(t)
	d.sql(points)
	d.sql(`CREATE SCHEMA hidden; CREATE TABLE hidden.t (x int, y int);
		CREATE TABLE public.secret (x int, y int);
		CREATE TABLE public.holes (x int, y int, z int[], n numeric[]); INSERT INTO holes SELECT nullif(i % 10, 3), nullif(i % 2, 7), ARRAY[1, 2], ARRAY[0.5, 'NaN'] FROM generate_series(1, 30) i;
		CREATE VIEW public.holes_x AS SELECT x, y FROM holes;
		CREATE VIEW public.holes_y AS SELECT y AS x, nullif(x, 4) AS y FROM holes;
		CREATE VIEW public.holes_n AS SELECT n, y FROM holes;
		CREATE VIEW public.holes_e AS SELECT ARRAY[x] AS e, y FROM holes;
		CREATE VIEW public.ragged AS SELECT ARRAY(SELECT generate_series(1, 2 + x / 9)) AS a, y FROM holes WHERE x > 0;
		CREATE VIEW public.words AS SELECT 'w'::text AS w, y FROM holes;
		CREATE VIEW public.times AS SELECT now() AS at, y FROM holes;
		CREATE VIEW public.timeses AS SELECT ARRAY[now()] AS at, y FROM holes;
		CREATE VIEW public.huge AS SELECT CASE i % 4 WHEN 0 THEN 'Infinity' WHEN 1 THEN 1e300 ELSE i END::float8 AS x, 3e38::float8 AS z, i % 2 AS y FROM generate_series(1, 20) i;
		CREATE VIEW public.halves AS SELECT x, x / 2.0 AS y FROM generate_series(1, 9) x;
		CREATE VIEW public.alike AS SELECT x, true AS y FROM holes WHERE x > 0;
		CREATE VIEW public.lonely AS SELECT y FROM holes;
		CREATE VIEW public.few AS SELECT i AS x, greatest(i, 4) AS y FROM generate_series(1, 8) i;
		CREATE VIEW public.many AS SELECT i AS x, i AS y FROM generate_series(1, 10100) i;
		CREATE VIEW public.infinite AS SELECT i AS x, 'Infinity'::float8 AS y FROM generate_series(1, 9) i;
		CREATE VIEW public.unseen AS SELECT CASE WHEN i < 9 THEN 'a' ELSE 'b' END AS w, i % 2 AS y FROM generate_series(1, 10) i;
		CREATE VIEW public.wordy AS SELECT i::text AS w, i % 2 AS y FROM generate_series(1, 200100) i;
		CREATE TABLE public."none" ();
		CREATE TABLE public.empty (x int, y int)`)
	d.sql("GRANT SELECT ON points, holes_x, holes_y, holes_n, holes_e, ragged, words, times, timeses, huge, halves, alike, lonely, few, many, infinite, unseen, wordy, \"none\", empty TO " + quote(d.alice))
	d.mustTrain(`{"project_name": "old", "task": "classification", "relation_name": "points", "y_column_name": "yes", "algorithm": "xgboost"}`)
	before := d.value(registry)
	const on = `{"project_name": "new", "algorithm": "xgboost", "task": "classification", "y_column_name": "y", "relation_name": `
	for _, c := range []struct{ args, want string }{
		{`{"project_name": "new"}`, "XX000 Project `new` does not exist. To create a new project, you must specify a `task`."},
		{`{"project_name": "new", "task": "guessing"}`, "XX000 called `Result::unwrap()` on an `Err` value: ()"},
		{`{"project_name": "old", "task": "regression"}`, "XX000 Project `\"old\"` already exists with a different task: `classification`. Create a new project instead."},
		{`{"project_name": "new", "task": "text-classification"}`, "XX000 use pgml.tune for transformers tasks"},
		{`{"project_name": "new", "task": "clustering"}`, `0A000 pgml.train: task "clustering" is not available in PgOwl yet`},
		{`{"project_name": "new", "task": "regression"}`, "XX000 You must pass a `relation_name` and `y_column_name` to snapshot the first time you train a model."},
		{`{"project_name": "new", "task": "regression", "relation_name": "points"}`, "XX000 You must pass a `y_column_name` when you pass a `relation_name` for a supervised task."},
		{on + `"nowhere"}`, `XX000 Relation "nowhere" could not be found in the public schema. Please specify the table schema, e.g. pgml.nowhere`},
		{on + `"a'b\"c.d"}`, `XX000 Relation "a'b"c"."d" doesn't exist`},
		{on + `"a.b.c"}`, `XX000 Relation name "a.b.c" is not parsable into schema name and table name`},
		{on + `"points"}`, "XX000 Column `y` not found. Did you pass the correct `y_column_name`?"},
		{on + `"none"}`, "XX000 Column `y` not found. Did you pass the correct `y_column_name`?"},
		{on + `"secret"}`, "42501 permission denied for table secret"},
		{on + `"hidden.t"}`, "42501 permission denied for schema hidden"},
		{on + `"secret", "materialize_snapshot": true}`, "42501 permission denied for table secret"},
		{on + `"holes_x", "algorithm": "svm"}`, `0A000 pgml.train: algorithm "svm" is not available in PgOwl yet`},
		{on + `"holes_x", "algorithm": "kmeans"}`, "XX000 kmeans does not support classification"},
		{on + `"holes_x"}`, "XX000 3 missing values for x. You may provide a preprocessor to impute a value."},
		{on + `"holes_n"}`, "XX000 30 missing values for n. You may provide a preprocessor to impute a value."},
		{on + `"holes_y"}`, `XX000 The training data labels in "y" contain 6 NULL values.`},
		{on + `"holes_e"}`, "XX000 An array of feature `e` has an element that is NULL. Arrays and their elements must not be NULL."},
		{on + `"ragged"}`, "XX000 Mismatched array length for feature `a`. Expected: 2 Received: 3"},
		{on + `"times"}`, `XX000 Unhandled type for quantitative scalar column: at "timestamptz"`},
		{on + `"timeses"}`, `XX000 Unhandled type for quantitative array column: at "timestamptz[]"`},
		{on + `"huge"}`, "XX000 10 values for x are infinite, or too large for float4."},
		{on + `"alike"}`, `XX000 The training data labels in "y" are all the same: true.`},
		{on + `"lonely"}`, "XX000 There are no feature columns beside the label `y`."},
		{on + `"halves"}`, `XX000 The training data labels in "y" are not all whole numbers: `},
		{on + `"many"}`, `54000 The label "y" has more than 10000 distinct values.`},
		{on + `"infinite", "task": "regression"}`, `XX000 The training data labels in "y" contain 9 values that are not finite numbers.`},
		{on + `"few", "test_size": 8}`, "XX000 test_size = 8 is too large. There are only 8 samples."},
		{on + `"few", "test_size": 1}`, "XX000 test_size = 8 is too large. There are only 8 samples."},
		{on + `"empty"}`, "XX000 test_size = 0 is too large. There are only 0 samples."},
		{on + `"few", "hyperparams": {"max_dept": 3}}`, `XX000 Unknown hyperparameter "max_dept": 3`},
		{on + `"few", "search_params": {"eta": 1}}`, `22023 pgml.train: search_params "eta" must be an array of values to try, not 1`},
		{on + `"few", "search_params": {"eta": []}}`, `22023 pgml.train: search_params "eta" must be an array of values to try, not []`},
		{on + `"few", "search_params": {"eta": [0.1, 0.2], "max_dept": [3]}}`, `XX000 Unknown hyperparameter "max_dept": 3`},
		{on + `"few", "search": "random", "search_args": {"n_iter": 0}}`, `22023 pgml.train: search_args "n_iter" must be a whole number from 1 on, not 0`},
		{on + `"few", "search": "grid", "search_args": {"cv": 2.5}}`, `22023 pgml.train: search_args "cv" must be a whole number from 0 on, not 2.5`},
		{on + `"few", "search": "grid", "search_args": {"cv": 7}}`, `22023 pgml.train: cv = 7 is too large. There are only 6 training rows.`},
		{on + `"few", "search_params": {"eta": [0.1, 0.2]}, "test_size": 0}`, `22023 pgml.train: a search without cross validation needs a test part to choose by`},
		{on + `"few", "search_params": {"eta": [1]}, "hyperparams": {"eta": 1}}`, "XX000 `eta` cannot be present in both hyperparams and search_params. Please choose one or the other."},
		{on + `"few", "search_args": {"CV": 3}}`, `XX000 Unknown search_args => "CV": 3`},
		{on + `"few", "preprocess": {"x": {"impute": "average"}}}`, `XX000 Error initializing preprocessor for column: "x".`},
		{on + `"few", "preprocess": {"x": {"encode": "target"}}}`, `XX000 Error initializing preprocessor for column: "x".`},
		{on + `"few", "preprocess": {"x": {"inpute": "mean"}}}`, `XX000 Error initializing preprocessor for column: "x".`},
		{on + `"words", "preprocess": {"w": {"impute": "mean"}}}`, `XX000 Error initializing preprocessor for column: "w".`},
		{on + `"words", "preprocess": {"w": {"encode": {"ordinal": ["x", "z"]}}}}`, `XX000 value is not present in ordinal: "w". Valid values: ["x", "z"]`},
		{on + `"few", "preprocess": {"z": {"impute": "mean"}}}`, `42703 preprocess names a column "z", which the relation does not have`},
		{on + `"few", "preprocess": {"y": {"impute": "mean"}}}`, `22023 preprocess names the label "y", which is not preprocessed`},
		{on + `"unseen", "test_sampling": "last"}`, "XX000 2 missing values for w. You may provide a preprocessor to impute a value."},
		{on + `"wordy"}`, `54000 Column "w" has more than 200000 different texts.`},
		{on + `"few", "runtime": "openai"}`, `0A000 pgml.train: runtime "openai" is not available in PgOwl yet`},
	} {
		s, _, err := d.train(c.args)
		if got := code(err); !strings.HasPrefix(got, c.want) || c.want == "" {
			t.Errorf("%s:\n got %s\nwant %s", c.args, got, c.want)
		}
		if err := s.tx.Rollback(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if after := d.value(registry); after != before {
		t.Errorf("left behind: %s, before %s", after, before)
	}
}

// registry counts all that a training writes.
const registry = `SELECT concat_ws(' ', (SELECT count(*) FROM pgml.projects), (SELECT count(*) FROM pgml.snapshots), (SELECT count(*) FROM pgml.models),
	(SELECT count(*) FROM pgml.files), (SELECT count(*) FROM pgml.deployments), (SELECT count(*) FROM pg_tables WHERE schemaname = 'pgml'))`

// TestStopsWithItsContext cancels in the middle of a fit: the error is the cause, as the session wants it.
func TestStopsWithItsContext(t *testing.T) {
	d := newDatabase(t)
	d.sql(points)
	d.sql("GRANT SELECT ON points TO " + quote(d.alice))
	gone := errors.New("the client has gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	s := &cancelling{session: d.begin(), at: "INFO: Hyperparams", cancel: func() { cancel(gone) }}
	_, err := seeded(ctx, s, request(d, `{"project_name": "p", "task": "regression", "relation_name": "points", "y_column_name": "amount", "algorithm": "xgboost",
		"hyperparams": {"n_estimators": 1000000}}`), nil, zap.NewNop())
	if err != gone {
		t.Errorf("got %v", err)
	}
}

// cancelling is a session that is cancelled when a certain message goes out.
type cancelling struct {
	*session
	at     string
	cancel func()
}

func (c *cancelling) Message(severity function.Severity, text string) {
	c.session.Message(severity, text)
	if c.told(c.at) {
		c.cancel()
	}
}

// TestOneProjectFromTwoSessions creates the same project twice at the same time: the second waits for the first's commit
// and then uses its project.
func TestOneProjectFromTwoSessions(t *testing.T) {
	d := newDatabase(t)
	d.sql(points)
	d.sql("GRANT SELECT ON points TO " + quote(d.alice))
	const args = `{"project_name": "p", "task": "classification", "relation_name": "points", "y_column_name": "yes", "algorithm": "xgboost"}`
	first, _, err := d.train(args)
	if err != nil {
		t.Fatal(err)
	}
	second := d.begin()
	var pid int
	if err := second.tx.QueryRow(t.Context(), "SELECT pg_backend_pid()").Scan(&pid); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		_, err := seeded(t.Context(), second, request(d, args), nil, zap.NewNop())
		done <- err
	}()
	for d.value(fmt.Sprintf("SELECT cardinality(pg_blocking_pids(%d)) > 0", pid)) != "true" {
		select {
		case err := <-done:
			t.Fatalf("the second training did not wait: %v", err)
		default:
		}
	}
	first.commit()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	second.commit()
	if got := d.value("SELECT (SELECT count(*) FROM pgml.projects) || ' ' || (SELECT count(*) FROM pgml.models)"); got != "1 2" {
		t.Errorf("projects, models: %s", got)
	}
}
