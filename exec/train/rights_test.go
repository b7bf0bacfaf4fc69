package train

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/pgowl/pgowl/exec/predict"
	"github.com/pgowl/pgowl/models/learn"
	"github.com/pgowl/pgowl/models/store"
)

// TestTypeNamesFromTheCallerStayData gives type names that a caller could make up: none may reach a statement of the owner's.
func TestTypeNamesFromTheCallerStayData(t *testing.T) {
	for _, name := range []string{"int4--", "int4; DROP TABLE pgml.models", "int4[] --", "[]", "", "int4[][]"} {
		for _, label := range []bool{false, true} {
			columns := []column{{Name: "x", Type: name, Builtin: true}, {Name: "y", Type: "int4", Builtin: true}}
			if label {
				columns = []column{{Name: "x", Type: "int4", Builtin: true}, {Name: "y", Type: name, Builtin: true}}
			}
			if err := new(snapshot).use(columns, "y", learn.Classification, nil, nil); err == nil {
				t.Errorf("type %q is taken", name)
			}
		}
	}
}

func TestReadsWhatTheCallerMayRead(t *testing.T) {
	d := newDatabase(t)
	d.sql(`CREATE DOMAIN public.small AS int CHECK (value < 1000); CREATE DOMAIN public.smaller AS small;
		CREATE TABLE public.t (a smaller, b int, c int, y char(5));
		INSERT INTO t SELECT i, i, i, CASE WHEN i % 2 = 0 THEN 'even' ELSE 'ödd' END FROM generate_series(1, 80) i;
		CREATE TABLE public.rls (x int, y int); INSERT INTO rls SELECT i, i % 2 FROM generate_series(1, 100) i;
		ALTER TABLE rls ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON rls USING (x <= 20)`)
	d.sql("GRANT SELECT (a, y) ON t TO " + quote(d.alice))
	d.sql("GRANT SELECT ON rls TO " + quote(d.alice))

	d.sql("ALTER DATABASE " + d.value("SELECT current_database()") + " SET client_encoding = 'LATIN1'")
	models := published{}
	s := d.begin()
	if _, err := s.tx.Exec(t.Context(), "SET client_encoding = 'LATIN1'"); err != nil {
		t.Fatal(err)
	}
	_, err := seeded(t.Context(), s, request(d, `{"project_name": "columns", "task": "classification", "relation_name": "t", "y_column_name": "y", "algorithm": "xgboost"}`), models, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range models {
		if len(h.Features) != 1 || h.Features[0] != (store.Feature{Name: "a", Type: "int4", Width: 1}) || !slices.Equal(h.Label.Classes, []string{"even", "ödd"}) {
			t.Errorf("got %+v", h)
		}
	}
	s.commit()

	s, _ = d.mustTrain(`{"project_name": "rows", "task": "classification", "relation_name": "rls", "y_column_name": "y", "algorithm": "xgboost"}`)
	if !s.told("INFO: Dataset { num_features: 1, num_labels: 1, num_distinct_labels: 2, num_rows: 20, ") {
		t.Errorf("messages: %q", s.messages)
	}
}

// TestPredictsBeforeTheCommit uses a model in the transaction that makes it, then from its file.
func TestPredictsBeforeTheCommit(t *testing.T) {
	d := newDatabase(t)
	d.sql(points)
	d.sql("GRANT SELECT ON points TO " + quote(d.alice))
	cache := predict.NewCache(1 << 20)
	s := d.begin()
	_, err := Train(t.Context(), s, request(d, `{"project_name": "p", "task": "classification", "relation_name": "points", "y_column_name": "size", "algorithm": "xgboost",
		"hyperparams": {"n_estimators": 5}, "test_size": 20, "test_sampling": "random", "runtime": "python"}`), cache, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	row := []float32{180, 90, -180, 0, 25, 1, 180, 0, 360, 7, 1, 450}
	m, err := cache.Get(t.Context(), 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := m.Predict(row); err != nil || v != 900 {
		t.Errorf("got %v %v", v, err)
	}
	s.commit()
	var file []byte
	if err := d.admin.QueryRow(t.Context(), "SELECT string_agg(data, '' ORDER BY part) FROM pgml.files WHERE model_id = 1").Scan(&file); err != nil {
		t.Fatal(err)
	}
	h, fitted, err := store.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := predict.New(1, h, fitted).Predict(row); err != nil || v != 900 {
		t.Errorf("from the file: %v %v", v, err)
	}
	if h.Hyperparams["n_estimators"] != 5.0 || h.Seed == 0 {
		t.Errorf("got %+v", h)
	}
}

// TestTrainingsThatEndTogether has two trainings decide about deployment at the same time: the second waits and then
// compares with the first's model, not with the one before.
func TestTrainingsThatEndTogether(t *testing.T) {
	d := newDatabase(t)
	d.sql(points)
	d.sql("GRANT SELECT ON points TO " + quote(d.alice))
	const args = `{"project_name": "p", "task": "classification", "relation_name": "points", "y_column_name": "yes", "algorithm": "xgboost"}`
	d.mustTrain(args)
	d.sql(`UPDATE pgml.models SET metrics = '{"f1": -1}'`)
	first, _, err := d.train(args)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.tx.Exec(t.Context(), `RESET ROLE; UPDATE pgml.models SET metrics = '{"f1": 7}' WHERE id = 2`); err != nil {
		t.Fatal(err)
	}
	second := d.begin()
	var pid int
	if err := second.tx.QueryRow(t.Context(), "SELECT pg_backend_pid()").Scan(&pid); err != nil {
		t.Fatal(err)
	}
	type outcome struct {
		Result
		error
	}
	done := make(chan outcome)
	go func() {
		r, err := seeded(t.Context(), second, request(d, args), nil, zap.NewNop())
		done <- outcome{r, err}
	}()
	for d.value(fmt.Sprintf("SELECT cardinality(pg_blocking_pids(%d)) > 0", pid)) != "true" {
		select {
		case o := <-done:
			t.Fatalf("the second training did not wait: %+v", o)
		default:
		}
	}
	first.commit()
	if o := <-done; o.error != nil || o.Deployed {
		t.Errorf("got %+v %v", o.Result, o.error)
	}
	if !second.told("INFO: Comparing to deployed model f1: Some(7.0)") {
		t.Errorf("messages: %q", second.messages)
	}
}

func TestInASnapshotOfItsOwn(t *testing.T) {
	d := newDatabase(t)
	d.sql(points)
	d.sql("GRANT SELECT ON points TO " + quote(d.alice))
	for _, isolation := range []string{"REPEATABLE READ", "SERIALIZABLE"} {
		s := d.begin()
		if _, err := s.tx.Exec(t.Context(), "SET TRANSACTION ISOLATION LEVEL "+isolation); err != nil {
			t.Fatal(err)
		}
		args := fmt.Sprintf(`{"project_name": %q, "task": "regression", "relation_name": "points", "y_column_name": "amount", "algorithm": "xgboost"}`, isolation)
		if _, err := seeded(t.Context(), s, request(d, args), nil, zap.NewNop()); err != nil {
			t.Errorf("%s: %v", isolation, err)
		}
		s.commit()
	}
	s := d.begin()
	if _, err := s.tx.Exec(t.Context(), "SET TRANSACTION READ ONLY"); err != nil {
		t.Fatal(err)
	}
	if _, err := Train(t.Context(), s, request(d, `{"project_name": "x", "task": "regression", "relation_name": "points", "y_column_name": "amount", "algorithm": "xgboost"}`), nil, zap.NewNop()); !strings.HasPrefix(code(err), "25006 ") {
		t.Errorf("got %s", code(err))
	}
}
