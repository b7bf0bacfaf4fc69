package train

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/models/learn"
	"github.com/pgowl/pgowl/models/store"
)

// fromFiles loads models from the registry.
func (d *database) fromFiles(ctx context.Context, id int64) (store.Header, learn.Model, error) {
	var file []byte
	if err := d.admin.QueryRow(ctx, "SELECT string_agg(data, '' ORDER BY part) FROM pgml.files WHERE model_id = $1", id).Scan(&file); err != nil {
		return store.Header{}, nil, err
	}
	return store.Decode(file)
}

// evaluate is pgml.evaluate; an empty label is NULL.
func (d *database) evaluate(project, relation, label string) (map[string]*float64, int, error) {
	d.tb.Helper()
	args := map[string]any{"project_name": project, "relation_name": relation, "y_column_name": nil}
	if label != "" {
		args["y_column_name"] = label
	}
	text, _ := json.Marshal(args)
	e, err := DecodeEvaluation(text)
	if err != nil {
		d.tb.Fatal(err)
	}
	s := d.begin()
	defer s.tx.Rollback(d.tb.Context())
	result, rows, err := Evaluate(d.tb.Context(), s, e, d.fromFiles)
	if err != nil {
		return nil, 0, err
	}
	var metrics map[string]*float64
	if err := json.Unmarshal(result, &metrics); err != nil {
		d.tb.Fatal(err)
	}
	return metrics, rows, nil
}

const seasons = `
CREATE TABLE public.weather AS SELECT i % 30 AS temperature, CASE WHEN i % 30 > 14 THEN 'sun' ELSE 'snow' END AS sky, ARRAY[i, -i]::real[] AS day,
	CASE WHEN i % 30 > 14 THEN 'summer' ELSE 'winter' END AS season, (i % 30) * 2.0 AS heat, -(i % 30) AS cold FROM generate_series(1, 300) i;
CREATE VIEW public.v_season AS SELECT temperature, sky, day, season FROM weather;
CREATE VIEW public.v_heat AS SELECT temperature, sky, day, heat FROM weather;
CREATE VIEW public.v_both AS SELECT temperature, sky, day, heat, cold FROM weather;
-- Columns in another order, of other types, and more of them; every tenth row has the wrong season.
CREATE TABLE public.fresh AS SELECT CASE WHEN (i % 30 > 14) = (i % 10 > 0) THEN 'summer' ELSE 'winter' END AS season, 7 AS unused, ARRAY[i, -i]::int[] AS day, (i % 30)::float8 AS temperature,
	CASE WHEN i % 30 > 14 THEN 'sun' ELSE 'snow' END::varchar AS sky, (i % 30) * 2.0 AS heat, -(i % 30) AS cold, (i % 30) * 2 + 1 AS warmth FROM generate_series(1, 100) i;
GRANT SELECT ON v_season, v_heat, v_both, fresh TO PUBLIC`

func TestEvaluates(t *testing.T) {
	d := newDatabase(t)
	d.sql(seasons)
	d.mustTrain(`{"project_name": "season", "task": "classification", "relation_name": "v_season", "y_column_name": "season", "algorithm": "xgboost",
		"preprocess": {"temperature": {"scale": "standard", "impute": "mean"}, "sky": {"encode": "one_hot"}}}`)
	d.mustTrain(`{"project_name": "heat", "task": "regression", "relation_name": "v_heat", "y_column_name": "heat", "algorithm": "xgboost", "hyperparams": {"n_estimators": 50}}`)
	d.mustTrain(`{"project_name": "both", "task": "regression", "relation_name": "v_both", "y_column_name": ["cold", "heat"], "algorithm": "xgboost", "hyperparams": {"n_estimators": 50}}`)
	near := func(metrics map[string]*float64, name string, want, room float64) {
		t.Helper()
		v := metrics[name]
		if v == nil || *v < want-room || *v > want+room {
			text, _ := json.Marshal(metrics)
			t.Errorf("%s is not about %v: %s", name, want, text)
		}
	}
	metrics, rows, err := d.evaluate("season", "fresh", "")
	if err != nil || rows != 100 {
		t.Fatal(rows, err)
	}
	near(metrics, "accuracy", .9, 1e-9)
	near(metrics, "f1", 90./(90+10./2+10./2), .02)
	if len(metrics) != 7 {
		t.Errorf("metrics %v", metrics)
	}
	if metrics, _, err = d.evaluate("heat", "public.fresh", ""); err != nil {
		t.Fatal(err)
	}
	near(metrics, "r2", 1, .01)
	near(metrics, "mean_absolute_error", 0, .2)
	if metrics, _, err = d.evaluate("heat", "fresh", "warmth"); err != nil {
		t.Fatal(err)
	}
	near(metrics, "mean_absolute_error", 1, .2)
	if metrics, _, err = d.evaluate("both", "fresh", ""); err != nil {
		t.Fatal(err)
	}
	near(metrics, "r2", 1, .01)
	near(metrics, "mean_squared_error", 0, .2)
}

func TestEvaluationErrors(t *testing.T) {
	d := newDatabase(t)
	d.sql(seasons)
	d.sql(`CREATE VIEW public.few AS SELECT temperature, sky, season FROM fresh;
		CREATE VIEW public.strange AS SELECT temperature, sky, day, 'autumn' AS season FROM fresh;
		CREATE VIEW public.holes AS SELECT nullif(temperature, 3) AS temperature, sky, day, season FROM fresh;
		CREATE VIEW public.unlabelled AS SELECT temperature, sky, day, nullif(season, 'winter') AS season FROM fresh;
		CREATE VIEW public.foggy AS SELECT temperature, CASE sky WHEN 'sun' THEN sky ELSE 'fog' END AS sky, day, season FROM fresh;
		CREATE VIEW public.coded AS SELECT temperature, 1 AS sky, day, season FROM fresh;
		CREATE VIEW public.long AS SELECT temperature, sky, day || 1 AS day, season FROM fresh;
		CREATE VIEW public.flat AS SELECT temperature, sky, 1 AS day, season FROM fresh;
		CREATE VIEW public.endless AS SELECT 'Infinity'::real AS temperature, sky, day, season FROM fresh;
		CREATE VIEW public.nothing AS SELECT * FROM fresh WHERE false;
		CREATE TABLE public.secret AS SELECT * FROM fresh;
		GRANT SELECT ON few, strange, holes, unlabelled, foggy, coded, long, flat, endless, nothing TO PUBLIC`)
	d.mustTrain(`{"project_name": "p", "task": "classification", "relation_name": "v_season", "y_column_name": "season", "algorithm": "xgboost"}`)
	d.mustTrain(`{"project_name": "both", "task": "regression", "relation_name": "v_both", "y_column_name": ["cold", "heat"], "algorithm": "xgboost"}`)
	for _, c := range []struct{ project, relation, label, want string }{
		{"q", "fresh", "", "XX000 No deployed model exists for the project named: `q`"},
		{"p", "nowhere", "", `XX000 Relation "nowhere" could not be found in the public schema. Please specify the table schema, e.g. pgml.nowhere`},
		{"p", "secret", "", "42501 permission denied for table secret"},
		{"p", "few", "", `42703 Column "day", which the model was trained on, is not in relation "public"."few"`},
		{"p", "fresh", "no such", "XX000 Column `no such` not found. Did you pass the correct `y_column_name`?"},
		{"p", "fresh", "sky", `22023 pgml.evaluate: "sky" is a feature of the model, and cannot be its label`},
		{"p", "strange", "", `22023 The label "season" has the value autumn, which is none of the classes of the model.`},
		{"p", "holes", "", "XX000 4 missing values for temperature. You may provide a preprocessor to impute a value."},
		{"p", "unlabelled", "", `XX000 The training data labels in "season" contain 51 NULL values.`},
		{"p", "foggy", "", "XX000 1 missing values for sky. You may provide a preprocessor to impute a value."},
		{"p", "coded", "", `42804 Column "sky" is of type int4, and was of type text when the model was trained`},
		{"p", "flat", "", `42804 Column "day" is of type int4, and was of type _float4 when the model was trained`},
		{"p", "long", "", "XX000 Mismatched array length for feature `day`. Expected: 2 Received: 3"},
		{"p", "endless", "", "XX000 100 values for temperature are infinite, or too large for float4."},
		{"p", "nothing", "", `22023 pgml.evaluate: relation "public"."nothing" has no rows`},
		{"both", "fresh", "heat", "22023 pgml.evaluate: the model has the labels heat, cold; y_column_name must be left out"},
	} {
		_, _, err := d.evaluate(c.project, c.relation, c.label)
		if got := code(err); got != c.want {
			t.Errorf("%s on %s %s:\n got %s\nwant %s", c.project, c.relation, c.label, got, c.want)
		}
	}
	for _, text := range []string{`{}`, `{"project_name": "p"}`, `{"relation_name": "t"}`} {
		if _, err := DecodeEvaluation([]byte(text)); !strings.HasPrefix(code(err), "22004 ") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestLineage(t *testing.T) {
	d := newDatabase(t)
	d.sql(points)
	d.sql("GRANT SELECT ON points TO " + quote(d.alice))
	d.mustTrain(`{"project_name": "p", "task": "regression", "relation_name": "points", "y_column_name": "amount", "algorithm": "xgboost", "test_size": 20, "test_sampling": "random"}`)
	// The session of these tests becomes the owner by SET ROLE.
	if got, want := d.value("SELECT trained_by || ' ' || engine FROM pgml.models"), d.owner+" pgowl "; !strings.HasPrefix(got, want) {
		t.Errorf("got %s, want %s...", got, want)
	}
	if got, want := d.value("SELECT lineage - '{seed,read_at,pg_snapshot}'::text[] FROM pgml.models"),
		`{"rows": 200, "labels": ["amount"], "relation": "\"public\".\"points\"", "test_rows": 20, "test_size": 20, "train_rows": 180, "session_user": "postgres", "test_sampling": "random"}`; got != want {
		t.Errorf("got %s", got)
	}
	if got := d.value(fmt.Sprintf(`SELECT lineage->>'seed' = '1' AND (lineage->>'read_at')::timestamptz BETWEEN now() - interval '1 hour' AND clock_timestamp()
		AND (lineage->>'pg_snapshot')::pg_snapshot IS NOT NULL AND engine = '%s' FROM pgml.models`, engineVersion())); got != "true" {
		t.Errorf("lineage %s", d.value("SELECT lineage FROM pgml.models"))
	}
}
