package exchange

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/models/gbdt"
	"github.com/pgowl/pgowl/models/learn"
)

// TestOthersReadWhatIsWritten writes models of every kind, and has XGBoost and LightGBM load them and say the margins of some rows (testdata/load.py).
// PGOWL_XGBOOST names a Python that has XGBoost, and LightGBM if that is to be asked, too.
func TestOthersReadWhatIsWritten(t *testing.T) {
	python := os.Getenv("PGOWL_XGBOOST")
	if python == "" {
		t.Skip("PGOWL_XGBOOST names no Python")
	}
	dir := t.TempDir()
	type saved struct {
		Name    string
		Rows    []*float32
		Margins []float64
		Classes int
	}
	var all []saved
	for _, c := range []struct {
		name    string
		classes int
		label   func(x []float32) float32
		params  map[string]any
	}{
		{"squared", 0, signal, map[string]any{"n_estimators": 100.0}},
		{"squared deep", 0, signal, map[string]any{"n_estimators": 20.0, "max_depth": 0.0}},
		{"pseudo huber", 0, signal, map[string]any{"objective": "reg:pseudohubererror"}},
		{"poisson", 0, positive, map[string]any{"objective": "count:poisson", "n_estimators": 40.0}},
		{"gamma", 0, positive, map[string]any{"objective": "reg:gamma"}},
		{"tweedie", 0, positive, map[string]any{"objective": "reg:tweedie"}},
		{"probability", 0, share, map[string]any{"objective": "reg:logistic"}},
		{"logistic", 2, class(2), map[string]any{"objective": "binary:logistic", "n_estimators": 100.0}},
		{"rare", 2, func([]float32) float32 { return 1 }, map[string]any{"objective": "binary:logistic", "n_estimators": 3.0}},
		{"two", 2, class(2), nil},
		{"classes", 4, class(4), map[string]any{"n_estimators": 30.0}},
		{"forest", 3, class(3), map[string]any{"num_parallel_tree": 4.0, "subsample": .7, "n_estimators": 2.0}},
		{"squared log", 0, positive, map[string]any{"objective": "reg:squaredlogerror"}},
		{"absolute", 0, signal, map[string]any{"objective": "reg:absoluteerror"}},
		{"quantile", 0, signal, map[string]any{"objective": "reg:quantileerror", "quantile_alpha": .3}},
		{"raw", 0, func(x []float32) float32 { return class(2)(x) }, map[string]any{"objective": "binary:logitraw"}},
		{"hinge", 2, class(2), map[string]any{"objective": "binary:hinge"}},
		{"cox", 0, positive, map[string]any{"objective": "survival:cox"}},
		{"failure time", 0, positive, map[string]any{"objective": "survival:aft"}},
		{"pairwise", 0, relevance, map[string]any{"objective": "rank:pairwise"}},
		{"ndcg", 0, relevance, map[string]any{"objective": "rank:ndcg"}},
		{"precision", 0, func(x []float32) float32 { return class(2)(x) }, map[string]any{"objective": "rank:map"}},
		{"dart", 0, signal, map[string]any{"booster": "dart", "rate_drop": .3, "n_estimators": 20.0}},
		{"linear", 0, signal, map[string]any{"booster": "gblinear"}},
		{"linear classes", 3, class(3), map[string]any{"booster": "gblinear"}},
		{"linear logistic", 2, class(2), map[string]any{"booster": "gblinear", "objective": "binary:logistic"}},
		{"light linear", 0, signal, map[string]any{"linear_tree": true, "linear_lambda": .1, "n_estimators": 20.0}},
		{"light each", 3, class(3), map[string]any{"objective": "multiclassova", "sigmoid": 1.4, "n_estimators": 20.0}},
		{"light lambda", 0, share, map[string]any{"objective": "cross_entropy_lambda", "n_estimators": 20.0}},
		{"light dart", 0, signal, map[string]any{"boosting": "dart", "drop_rate": .3, "n_estimators": 20.0}},
		{"light forest", 2, class(2), map[string]any{"boosting": "rf", "feature_fraction": .6, "n_estimators": 10.0}},
		{"base", 0, signal, map[string]any{"base_score": -3.25}},
	} {
		r := rand.New(rand.NewPCG(1, uint64(len(c.name))))
		const features = 5
		d := &learn.Dataset{Rows: 2000, Features: features, Classes: c.classes}
		for range d.Rows {
			row := make([]float32, features)
			for f := range row {
				if row[f] = float32(r.NormFloat64()); r.IntN(9) == 0 {
					row[f] = float32(math.NaN())
				}
			}
			d.X = append(d.X, row...)
			d.Y = append(d.Y, c.label(row))
			d.Queries = append(d.Queries, int32(len(d.Y)/20))
		}
		task := learn.Regression
		if c.classes > 0 {
			task = learn.Classification
		}
		train := gbdt.Train
		if strings.HasPrefix(c.name, "light ") {
			train = gbdt.TrainLightGBM
		}
		m, err := train(context.Background(), d, task, c.params, nil)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		rows := d.X[:300*features]
		// A value that is a threshold, and its neighbours.
		trees, isTrees := m.(*gbdt.Model)
		var points []gbdt.Point
		if isTrees {
			points = trees.Forest().Trees[0]
		}
		for i, p := range points {
			if p.Feature >= 0 && i < 60 {
				rows[(3*i)*features+p.Feature] = p.Value
				rows[(3*i+1)*features+p.Feature] = math.Nextafter32(p.Value, -100)
				rows[(3*i+2)*features+p.Feature] = math.Nextafter32(p.Value, 100)
			}
		}
		s := saved{Name: c.name, Margins: margins(t, m, rows), Classes: c.classes}
		for _, v := range rows {
			p := &v
			if v != v {
				p = nil
			}
			s.Rows = append(s.Rows, p)
		}
		all = append(all, s)
		for _, f := range Formats {
			data, err := Write(f, m, []string{"a", "b c", "x[1]", "x[2]", "ü"})
			if f == LightGBMText && (c.name == "hinge" || !isTrees) {
				if unsupported := new(Unsupported); !errors.As(err, &unsupported) {
					t.Errorf("LightGBM has no such model: %v", err)
				}
				continue
			}
			if refused(err) && f != LightGBMText && slices.Contains([]string{"light linear", "light each", "light lambda"}, c.name) {
				continue
			}
			if err != nil {
				t.Fatalf("%s as %s: %v", c.name, f, err)
			}
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s.%s", c.name, f)), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "models.json"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(python, "testdata/load.py", dir).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

func signal(x []float32) float32 {
	y := float32(0)
	for i, v := range x {
		if v == v {
			y += v * float32(i%3-1)
		}
	}
	return y
}

func relevance(x []float32) float32 { return class(4)(x) }

func positive(x []float32) float32 { return float32(math.Floor(math.Abs(float64(signal(x))))) + 0.5 }
func share(x []float32) float32    { return float32(1 / (1 + math.Exp(-float64(signal(x))))) }

func class(n int) func(x []float32) float32 {
	return func(x []float32) float32 { return float32(min(max(int(signal(x)+float32(n)/2), 0), n-1)) }
}
