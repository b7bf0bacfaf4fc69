package train

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/pgowl/pgowl/exec/predict"
	"github.com/pgowl/pgowl/models/store"
)

// TestTrainsJointly trains on three labels, given in another order than the relation has them.
func TestTrainsJointly(t *testing.T) {
	d := newDatabase(t)
	d.sql(`CREATE TABLE public.body AS SELECT (i % 20)::real AS chins, (i % 20) * 2.5 AS weight, i AS situps, -(i % 20)::int AS waist, (i % 2)::real AS pulse FROM generate_series(1, 200) i`)
	d.sql("GRANT SELECT ON body TO " + quote(d.alice))
	cache := predict.NewCache(1 << 20)
	s := d.begin()
	result, err := seeded(t.Context(), s, request(d, `{"project_name": "p", "task": "regression", "relation_name": "body", "y_column_name": ["pulse", "weight", "waist"],
		"algorithm": "xgboost", "hyperparams": {"n_estimators": 60}}`), cache, zap.NewNop())
	if err != nil || !result.Deployed {
		t.Fatal(result, err)
	}
	if !s.told("INFO: Dataset { num_features: 2, num_labels: 3, num_distinct_labels: 20, num_rows: 200, ") || !s.told(`INFO: Column "waist": Statistics { min: -19.0, `) {
		t.Errorf("messages: %q", s.messages)
	}
	s.commit()
	if got := d.value("SELECT y_column_name::text || ' ' || jsonb_path_query_array(columns, '$[*] ? (@.label == true).name') FROM pgml.snapshots"); got != `{pulse,weight,waist} ["weight", "waist", "pulse"]` {
		t.Errorf("snapshot: %s", got)
	}
	if got := d.value("SELECT num_features || ' ' || ((metrics->>'r2')::float8 > 0.95) FROM pgml.models"); got != "2 true" {
		t.Errorf("model: %s", d.value("SELECT metrics FROM pgml.models"))
	}
	var file []byte
	if err := d.admin.QueryRow(t.Context(), "SELECT string_agg(data, '' ORDER BY part) FROM pgml.files").Scan(&file); err != nil {
		t.Fatal(err)
	}
	h, fitted, err := store.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	if h.Label.Column != "weight" || !reflect.DeepEqual(h.Targets, []string{"waist", "pulse"}) {
		t.Errorf("header %+v", h)
	}
	published, err := cache.Get(t.Context(), 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, m := range map[string]*predict.Model{"published": published, "from the file": predict.New(1, h, fitted)} {
		got, err := m.Joint([]float32{7, 107, 12, 112})
		if err != nil || len(got) != 6 || got[0] < 16 || got[0] > 19 || got[1] > -6.5 || got[1] < -7.5 || got[3] < 28 || got[3] > 31 {
			t.Errorf("%s: %v %v", name, got, err)
		}
		if one, err := m.Predict([]float32{7, 107}); err != nil || one != got[0] {
			t.Errorf("%s: as one label %v %v", name, one, err)
		}
	}

	// Again on the same snapshot, by cross-validation.
	s, _ = d.mustTrain(`{"project_name": "p", "algorithm": "xgboost", "search": "grid", "search_params": {"n_estimators": [1, 60]}, "search_args": {"cv": 2}}`)
	if !s.told("INFO: Dataset { num_features: 2, num_labels: 3, ") {
		t.Errorf("messages: %q", s.messages)
	}
	if got := d.value("SELECT hyperparams FROM pgml.models ORDER BY id DESC LIMIT 1"); got != `{"n_estimators": 60}` {
		t.Errorf("winner: %s", got)
	}
}

func TestJointErrors(t *testing.T) {
	d := newDatabase(t)
	d.sql("CREATE TABLE public.t AS SELECT i AS x, i AS a, i * 2 AS b, 'w' AS word, nullif(i, 3) AS holes FROM generate_series(1, 20) i; GRANT SELECT ON t TO PUBLIC")
	for _, c := range []struct{ labels, task, want string }{
		{`["a", "c"]`, "regression", "XX000 Column `c` not found. Did you pass the correct `y_column_name`?"},
		{`["c", "d"]`, "regression", "XX000 Column `c` not found. Did you pass the correct `y_column_name`?"},
		{`["a", "b"]`, "classification", `0A000 pgml.train_joint: a classification has one label; training on several jointly is for regression`},
		{`["a", "word"]`, "regression", `XX000 Unhandled type for quantitative scalar column: word "text"`},
		{`["a", "holes"]`, "regression", `XX000 The training data labels in "holes" contain 1 NULL values.`},
		{`[]`, "regression", "XX000 You must pass a `y_column_name` when you pass a `relation_name` for a supervised task."},
		{`["x", "a", "b", "word", "holes"]`, "regression", "XX000 There are no feature columns beside the label `x`."},
	} {
		s, _, err := d.train(fmt.Sprintf(`{"project_name": "p", "task": %q, "relation_name": "t", "y_column_name": %s, "algorithm": "xgboost"}`, c.task, c.labels))
		if got := code(err); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.labels, got, c.want)
		}
		if err := s.tx.Rollback(t.Context()); err != nil {
			t.Error(err)
		}
	}
	for text, want := range map[string]string{
		`["a", "a"]`:   `22023 pgml.train: y_column_name has "a" twice`,
		`["a", null]`:  `22004 pgml.train: y_column_name may not hold NULL`,
		`[["a"]]`:      `22023 pgml.train: y_column_name must be the name of a column`,
		`{"a": "b"}`:   `22023 pgml.train: y_column_name must be the name of a column`,
		`12`:           `22023 pgml.train: y_column_name must be the name of a column`,
		`"a" , "x": 1`: `22023 pgml.train: the arguments cannot be read`,
	} {
		_, err := Decode([]byte(`{"project_name": "p", "y_column_name": ` + text + `}`))
		if !strings.HasPrefix(code(err), want) {
			t.Errorf("%s: %s", text, code(err))
		}
	}
}
