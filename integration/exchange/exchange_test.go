package exchange

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

const testdata = "../../models/exchange/testdata"

func file(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(testdata, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestImportsWhatOthersWrote imports the models of XGBoost and LightGBM, and compares predictions, computed by the proxy and by SQL, with the libraries'
// margins.
func TestImportsWhatOthersWrote(t *testing.T) {
	w := open(t)
	c := w.dial(w.owl)
	var golden struct {
		Rows  []*float32
		Cases []struct {
			File, Format, Task string
			Margins            []float64
			Rows               []*float32 // where they are not those of all
		}
	}
	if err := json.Unmarshal(file(t, "golden.json"), &golden); err != nil {
		t.Fatal(err)
	}
	values := func(pointers []*float32) (rows []float32) {
		for _, v := range pointers {
			if v == nil {
				rows = append(rows, float32(math.NaN()))
			} else {
				rows = append(rows, *v)
			}
		}
		return rows
	}
	sigmoid := func(m float64) float64 { return 1 / (1 + math.Exp(-m)) }
	// What pgml.predict gives for margins: the value, or the class.
	value := map[string]func(m []float64) float64{
		"cox.json": func(m []float64) float64 { return math.Exp(m[0]) }, "poisson.json": func(m []float64) float64 { return math.Exp(m[0]) },
		"tweedie.json": func(m []float64) float64 { return math.Exp(m[0]) }, "lgb-poisson.txt": func(m []float64) float64 { return math.Exp(m[0]) },
		"probability.json": func(m []float64) float64 { return sigmoid(m[0]) },
		"lgb-lambda.txt":   func(m []float64) float64 { return math.Log1p(math.Exp(m[0])) },
		"gamma.json":       func(m []float64) float64 { return math.Exp(m[0]) }, "failure-time.json": func(m []float64) float64 { return math.Exp(m[0]) },
	}
	for _, g := range golden.Cases {
		of := value[g.File]
		rows := values(golden.Rows)
		if g.Rows != nil {
			rows = values(g.Rows)
		}
		plain := !strings.Contains(g.File, "linear") && g.File != "lgb-each.txt" && g.File != "lgb-lambda.txt" // the others are no SQL
		margins := len(g.Margins) / (len(rows) / 4)
		switch {
		case of != nil:
		case g.Task == "classification":
			of = func(m []float64) float64 {
				best := 0
				for k := range m {
					if m[k] > m[best] {
						best = k
					}
				}
				if margins == 1 && m[0] > 0 {
					best = 1
				}
				return float64(best)
			}
		default:
			of = func(m []float64) float64 { return m[0] }
		}
		id := importModel(w, c, g.File, g.Task, g.Format, file(t, g.File))
		for _, lane := range []string{"off", "on"} {
			w.run(c, "SET pgowl.forms = "+lane)
			for r := 0; r < len(rows)/4; r++ {
				var got float64
				if err := c.QueryRow(t.Context(), "SELECT pgml.predict(p, $2::real[]) FROM (VALUES ($1::text)) v (p)", g.File, rows[4*r:4*r+4]).Scan(&got); err != nil {
					t.Fatalf("%s: %v", g.File, err)
				}
				if want := of(g.Margins[r*margins : (r+1)*margins]); math.Abs(got-want) > 2e-6*math.Max(1, math.Abs(want)) {
					t.Errorf("%s, models as SQL %s: row %d is %v, the library's %v", g.File, lane, r, got, want)
				}
			}
		}
		w.run(c, "RESET pgowl.forms")
		if n := valueOf[int](w, c, "SELECT count(*) FROM pgowl.forms WHERE model_id = $1 AND why IS NULL", id); n != 1 && plain {
			t.Errorf("%s is not SQL: %s", g.File, valueOf[string](w, c, "SELECT why FROM pgowl.forms WHERE model_id = $1", id))
		}
		if _, err := c.Exec(t.Context(), "SELECT * FROM pgml.explain($1::bigint, '{1,2,3,4}')", id); (err != nil) != (g.File == "lgb-linear.txt") {
			t.Errorf("%s explained: %v", g.File, err) // leaves that are linear have no shares
		}
		w.run(c, "SELECT * FROM pgml.importance($1::bigint)", id)
	}
	if got, want := valueOf[string](w, c, "SELECT string_agg(feature, ' ') FROM pgml.explain('squared.json', '{1,2,3,4}')"), "a b c ü d (bias)"; got != want {
		t.Errorf("named %s", got)
	}
	if got, want := valueOf[string](w, c, "SELECT string_agg(feature, ' ') FROM pgml.explain('dart.ubj', '{1,2,3,4}')"), "features[1] features[2] features[3] features[4] (bias)"; got != want {
		t.Errorf("named %s", got)
	}
}

func importModel(w *world, c *pgx.Conn, project, task, format string, data []byte) int64 {
	w.t.Helper()
	return valueOf[int64](w, c, "SELECT pgml.import_model($1, $2, $3, $4)", project, task, format, data)
}

// TestImportedRegistryRows: what import_model leaves behind is what a training would.
func TestImportedRegistryRows(t *testing.T) {
	w := open(t)
	c := w.dial(w.owl)
	data := file(t, "lgb-binary.txt")
	id := importModel(w, c, "theirs", "classification", "lightgbm-text", data)
	if got, want := valueOf[string](w, c, `SELECT concat_ws(' ', p.task, m.algorithm, m.runtime, m.status, m.num_features, m.snapshot_id IS NULL, m.metrics, d.strategy, m.hyperparams->>'num_leaves', m.hyperparams->>'objective')
		FROM pgml.models m JOIN pgml.projects p ON p.id = m.project_id JOIN pgml.deployments d ON d.model_id = m.id WHERE m.id = $1`, id),
		"classification lightgbm rust successful 4 t {} specific 6 binary"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	second := valueOf[int64](w, c, "SELECT pgml.import_model('theirs', NULL, 'xgboost-json', $1, deploy => false)", file(t, "logistic.json"))
	if live := valueOf[int64](w, c, "SELECT id FROM pgml.deployed_models WHERE name = 'theirs'"); live != id {
		t.Errorf("model %d is live", live)
	}
	w.run(c, "SELECT * FROM pgml.deploy($1)", second)
	if live := valueOf[int64](w, c, "SELECT id FROM pgml.deployed_models WHERE name = 'theirs'"); live != second {
		t.Errorf("model %d is live after its deployment", live)
	}
	before := valueOf[string](w, c, "SELECT concat_ws(' ', (SELECT count(*) FROM pgml.projects), (SELECT count(*) FROM pgml.models), (SELECT count(*) FROM pgml.files))")
	w.fails(c, [][2]string{
		{`SELECT pgml.import_model('new', 'regression', 'xgboost-json', '{}')`, "22023 pgml.import_model: not a model in this format: there is no learner in it"},
		{`SELECT pgml.import_model('new', 'regression', 'pickle', '{}')`, `22023 pgml.import_model: there is no format "pickle"`},
		{`SELECT pgml.import_model('new', 'regression', 'lightgbm-text', NULL)`, "22004 pgml.import_model: model must not be NULL"},
		{`SELECT pgml.import_model(NULL, 'regression', 'lightgbm-text', '')`, "22004 pgml.import_model: project_name must not be NULL"},
		{`SELECT pgml.import_model('new', NULL, 'lightgbm-text', '')`, "XX000 Project `new` does not exist. To create a new project, you must specify a `task`."},
		{`SELECT pgml.import_model('theirs', 'regression', 'lightgbm-text', '')`, "XX000 Project `\"theirs\"` already exists with a different task: `classification`. Create a new project instead."},
		{`SELECT pgml.import_model('new', 'regression', 'lightgbm-text', '')`, "22023 pgml.import_model: not a model in this format: it does not begin with the word tree"},
		{`SELECT pgml.export_model(99999)`, "XX000 pgml.models WHERE id = 99999 could not be loaded. Does it exist?"},
		{`SELECT pgml.export_model(1, 'onnx')`, `22023 pgml.export_model: there is no format "onnx"`},
	})
	_, err := c.Exec(t.Context(), "SELECT pgml.import_model('new', 'regression', 'lightgbm-text', $1)", file(t, "lgb-classes.txt"))
	if got, want := code(err), `22023 pgml.import_model: not a model for this task: the objective "multi:softprob" is for classification`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	w.run(c, "BEGIN")
	importModel(w, c, "gone", "classification", "lightgbm-text", data)
	w.run(c, "SELECT pgml.predict('gone', ARRAY[1,2,3,4]::real[])")
	w.run(c, "ROLLBACK")
	if after := valueOf[string](w, c, "SELECT concat_ws(' ', (SELECT count(*) FROM pgml.projects), (SELECT count(*) FROM pgml.models), (SELECT count(*) FROM pgml.files))"); after != before {
		t.Errorf("rows %s, before %s", after, before)
	}
}

// TestExportsAndImportsAgain: a model of ours goes out in every format, and what comes back predicts the same.
func TestExportsAndImportsAgain(t *testing.T) {
	w := open(t)
	c := w.dial(w.owl)
	for project, inputs := range map[string]string{"line": `array_cat(ARRAY[a, b]::real[], "x y")`, "updown": "ARRAY[a, b]::real[]", "kinds": "ARRAY[a, b]::real[]"} {
		id := valueOf[int64](w, c, "SELECT id FROM pgml.deployed_models WHERE name = $1", project)
		task := valueOf[string](w, c, "SELECT task::text FROM pgml.projects WHERE name = $1", project)
		for _, format := range []string{"xgboost-json", "xgboost-ubj", "lightgbm-text"} {
			data := valueOf[[]byte](w, c, "SELECT pgml.export_model($1, $2)", id, format)
			again := importModel(w, c, project+" "+format, task, format, data)
			// Classes are told by their places here, and by their labels there.
			sql := "SELECT max(abs(pgml.predict($1::bigint, f) - pgml.predict($2::bigint, f) * $3)) FROM (SELECT " + inputs + " AS f FROM points) t"
			factor := 1.0
			if project == "kinds" {
				factor = 10
			}
			if worst := valueOf[float64](w, c, sql, id, again, factor); worst > 1e-4 {
				t.Errorf("%s as %s is %v off", project, format, worst)
			}
			if names := valueOf[string](w, c, "SELECT string_agg(feature, ',') FROM pgml.importance($1::bigint)", again); len(names) < 3 {
				t.Errorf("names %s", names)
			}
		}
	}
	if got := valueOf[[]byte](w, c, "SELECT pgml.export_model(1)"); !bytes.HasPrefix(got, []byte(`{"learner":`)) {
		t.Errorf("the default format begins %q", got[:20])
	}
}

// A large model goes in and out: megabytes each way.
func TestExchangesLargeModels(t *testing.T) {
	w := open(t)
	c := w.dial(w.owl)
	w.run(c, "CREATE TABLE many AS SELECT i % 1000 AS a, i % 77 AS b, (i * 7919 % 10007)::real AS y FROM generate_series(1, 5000) i")
	w.run(c, `SELECT * FROM pgml.train('large', 'regression', 'many', 'y', 'xgboost', '{"n_estimators": 20, "max_depth": 0, "min_child_weight": 0}')`)
	id := valueOf[int64](w, c, "SELECT id FROM pgml.deployed_models WHERE name = 'large'")
	data := valueOf[[]byte](w, c, "SELECT pgml.export_model($1, 'xgboost-json')", id)
	if len(data) < 2<<20 {
		t.Errorf("%d bytes", len(data))
	}
	again := importModel(w, c, "large again", "regression", "xgboost-json", data)
	if worst := valueOf[float64](w, c, "SELECT max(abs(pgml.predict($1::bigint, ARRAY[a, b]) - pgml.predict($2::bigint, ARRAY[a, b]))) FROM many WHERE a < 50", id, again); worst > 0 {
		t.Errorf("%v off", worst)
	}
}

// A REVOKE holds, and who may import needs no right on the registry.
func TestExchangeRights(t *testing.T) {
	w := open(t)
	admin := w.dial(w.owl)
	w.run(admin, "DROP ROLE IF EXISTS importer; CREATE ROLE importer LOGIN; GRANT USAGE ON SCHEMA pgml TO importer")
	defer w.run(admin, "DROP OWNED BY importer; DROP ROLE importer")
	c := w.dial(w.owl)
	w.run(c, "SET ROLE importer")
	id := importModel(w, c, "mine", "regression", "xgboost-ubj", file(t, "squared.ubj"))
	w.run(c, "SELECT pgml.export_model($1)", id)
	w.run(admin, "REVOKE EXECUTE ON FUNCTION pgml.import_model(text, text, text, bytea, boolean), pgml.export_model(bigint, text) FROM PUBLIC")
	w.fails(c, [][2]string{
		{"SELECT pgml.import_model('mine', NULL, 'xgboost-json', '{}')", "42501 permission denied for function import_model"},
		{"SELECT pgml.export_model(1)", "42501 permission denied for function export_model"},
	})
}
