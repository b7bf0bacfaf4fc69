package catalog

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"testing"
)

// The values are what scikit-learn 1.x gives for the same vectors.
func TestMetricsOfScikitLearn(t *testing.T) {
	conn := migrated(t)
	for _, c := range []struct {
		call string
		want map[string]float64
	}{
		{`sklearn_regression_metrics('{3,-0.5,2,7}', '{2.5,0,2,8}')`, map[string]float64{"r2": 0.9486081370449679, "mae": 0.5, "mse": 0.375}},
		{`sklearn_regression_metrics('{2,2}', '{2,3}')`, map[string]float64{"r2": 0, "mae": 0.5, "mse": 0.5}},
		{`sklearn_regression_metrics('{2,2}', '{2,2}')`, map[string]float64{"r2": 1, "mae": 0, "mse": 0}},
		{`sklearn_classification_metrics('{1,0,1,1,0}', '{1,0,0,1,1}', 2)`, map[string]float64{"f1": 2. / 3, "f1_micro": 0.6, "precision": 2. / 3,
			"recall": 2. / 3, "accuracy": 0.6, "mcc": 1. / 6, "roc_auc": 0.5833333333333333}},
		{`sklearn_classification_metrics('{0,1,1,0}', '{0,0,0,0}', 2)`, map[string]float64{"f1": 0, "f1_micro": 0.5, "precision": 0,
			"recall": 0, "accuracy": 0.5, "mcc": 0, "roc_auc": 0.5}},
		{`sklearn_classification_metrics('{0,1,2,0,1,2}', '{0,2,1,0,0,1}', 3)`, map[string]float64{"f1": 0.26666666666666666,
			"f1_micro": 1. / 3, "precision": 2. / 9, "recall": 1. / 3, "accuracy": 1. / 3, "mcc": 0}},
		{`sklearn_classification_metrics('{0,1,2,0,1,2,3,3}', '{0,2,2,0,1,1,3,0}', 4)`, map[string]float64{"f1": 0.6166666666666667,
			"f1_micro": 0.625, "precision": 2. / 3, "recall": 0.625, "accuracy": 0.625, "mcc": 0.5107539184552492}},
	} {
		var got map[string]float64
		if err := json.Unmarshal([]byte(column(t, conn, `SELECT pgml.`+c.call+`::text`)[0]), &got); err != nil {
			t.Fatal(err)
		}
		for k, w := range c.want {
			if g, ok := got[k]; !ok || math.Abs(g-w) > 1e-14 {
				t.Errorf("%s: %s is %v, want %v", c.call, k, g, w)
			}
		}
		if len(got) != len(c.want) {
			t.Errorf("%s: got %v", c.call, got)
		}
	}
	for _, c := range []struct{ call, want string }{
		{`sklearn_f1_score('{1,0,1,1,0}', '{1,0,0,1,1}')`, "0.6666667"},
		{`sklearn_f1_score('{0,0}', '{0,0}')`, "0"},
		{`sklearn_r2_score('{2,2}', '{2,2}')`, "1"},
		{`sklearn_r2_score('{1}', '{1}')`, "NaN"},
	} {
		if got := column(t, conn, `SELECT pgml.`+c.call+`::text`)[0]; got != c.want {
			t.Errorf("%s: got %s, want %s", c.call, got, c.want)
		}
	}
	_, err := conn.Exec(context.Background(), `SELECT pgml.sklearn_f1_score('{1,2}', '{1}')`)
	wantError(t, "lengths", err, "22023", "Found input variables with inconsistent numbers of samples: [2, 1]")
	_, err = conn.Exec(context.Background(), `SELECT pgml.sklearn_r2_score('{1,NaN}', '{1,2}')`)
	wantError(t, "NaN", err, "22023", "Input contains NaN, infinity or a value too large.")
}

// TestMetricsAgreeWithTheEngines compares with what scikit-learn gave for the engines' own metrics (models/metrics), as far as predictions without
// probabilities go.
func TestMetricsAgreeWithTheEngines(t *testing.T) {
	text, err := os.ReadFile("../../models/metrics/testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Classification, Regression []struct {
			Name              string
			Classes           int
			Labels, Predicted []float32
			Want              map[string]*float64
			F1Micro           float64 `json:"f1_micro"`
		}
	}
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	conn := migrated(t)
	compare := func(name, call string, args []any, want map[string]*float64) {
		t.Helper()
		var got map[string]*float64
		if err := json.Unmarshal([]byte(column(t, conn, "SELECT pgml."+call+"::text", args...)[0]), &got); err != nil {
			t.Fatal(err)
		}
		for k, w := range want {
			if g, ok := got[k]; !ok || (g == nil) != (w == nil) || g != nil && math.Abs(*g-*w) > 1e-9*math.Max(1, math.Abs(*w)) {
				t.Errorf("%s: %s is %v, want %v", name, k, g, w)
			}
		}
	}
	for _, c := range golden.Classification {
		want := map[string]*float64{"f1_micro": &c.F1Micro}
		for _, k := range []string{"f1", "precision", "recall", "accuracy", "mcc"} {
			want[k] = c.Want[k]
		}
		compare(c.Name, "sklearn_classification_metrics($1, $2, $3)", []any{c.Labels, c.Predicted, c.Classes}, want)
	}
	for _, c := range golden.Regression {
		compare(c.Name, "sklearn_regression_metrics($1, $2)", []any{c.Labels, c.Predicted},
			map[string]*float64{"r2": c.Want["r2"], "mse": c.Want["mean_squared_error"], "mae": c.Want["mean_absolute_error"]})
	}
}
