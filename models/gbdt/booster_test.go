package gbdt

import (
	"bytes"
	"context"
	"errors"
	"math"
	"reflect"
	"testing"

	"github.com/pgowl/pgowl/models/learn"
)

// weighted gives the rows of a data set weights of 0 to 2.
func weighted(d *learn.Dataset) *learn.Dataset {
	d.Weights = make([]float32, d.Rows)
	for r := range d.Weights {
		d.Weights[r] = float32(draw(9, uint64(r))%5) / 2
	}
	return d
}

// queried gives the rows queries of some tens each, and labels that rank.
func queried(d *learn.Dataset) *learn.Dataset {
	for r := range d.Y {
		d.Queries = append(d.Queries, int32(r*7%(d.Rows/30)))
		d.Y[r] = float32(math.Floor(math.Abs(float64(d.Y[r]))))
	}
	return d
}

// Whatever draws, sums or holds rows out gives the same model with any number of threads.
func TestThreadsChangeNothingEither(t *testing.T) {
	for name, c := range map[string]struct {
		data   *learn.Dataset
		params map[string]any
	}{
		"dart":        {noisy(9_000, 8, 3, .1), map[string]any{"booster": "dart", "rate_drop": .5, "skip_drop": .3, "sample_type": "weighted", "n_estimators": 6.0}},
		"linear":      {noisy(20_000, 6, 3, .1), map[string]any{"booster": "gblinear", "updater": "coord_descent", "feature_selector": "random"}},
		"shuffle":     {noisy(20_000, 6, 0, 0), map[string]any{"booster": "linear", "feature_selector": "shuffle"}},
		"gradient":    {noisy(20_000, 6, 2, .1), map[string]any{"sampling_method": "gradient_based", "subsample": .2}},
		"weights":     {weighted(noisy(20_000, 6, 0, .1)), map[string]any{"objective": "reg:absoluteerror", "n_estimators": 3.0}},
		"stopped":     {noisy(20_000, 6, 2, .1), map[string]any{"early_stopping_rounds": 2.0, "subsample": .5, "eta": 1.0, "eval_metric": "auc"}},
		"constrained": {noisy(20_000, 6, 2, .1), map[string]any{"monotone_constraints": "(1,-1)", "interaction_constraints": "[[0,1],[2,3]]"}},
		"ranked":      {queried(noisy(20_000, 6, 0, .1)), map[string]any{"objective": "rank:ndcg", "lambdarank_unbiased": true, "lambdarank_pair_method": "mean", "ndcg_exp_gain": false}},
		"refreshed":   {noisy(20_000, 6, 0, 0), map[string]any{"updater": "grow_histmaker,refresh", "subsample": .3}},
	} {
		var first []byte
		for _, threads := range []float64{1, 3, 8} {
			c.params["nthread"] = threads
			got := encode(t, fit(t, c.data, c.params))
			if first == nil {
				first = got
			} else if !bytes.Equal(got, first) {
				t.Errorf("%s: another model with %v threads", name, threads)
			}
		}
	}
}

// loss is the mean squared error of a regression.
func loss(m learn.Model, d *learn.Dataset) float64 {
	sum := 0.0
	for i, v := range outputs(m, d.X) {
		sum += math.Pow(float64(v-d.Y[i]), 2)
	}
	return sum / float64(d.Rows)
}

func TestDart(t *testing.T) {
	d := noisy(2000, 6, 0, 0)
	plain := fit(t, d, map[string]any{"n_estimators": 30.0})
	for _, more := range []map[string]any{
		{"rate_drop": .2},
		{"rate_drop": .2, "sample_type": "weighted", "normalize_type": "forest"},
		{"one_drop": true, "sample_type": "weighted"},
		{"one_drop": 1.0, "skip_drop": .5},
	} {
		params := map[string]any{"booster": "dart", "n_estimators": 30.0}
		for k, v := range more {
			params[k] = v
		}
		m := fit(t, d, params)
		if reflect.DeepEqual(outputs(m, d.X), outputs(plain, d.X)) {
			t.Errorf("%v: nothing was dropped", more)
		}
		if got, most := loss(m, d), 2*loss(plain, d)+.02; got > most {
			t.Errorf("%v: loss %v, want at most %v", more, got, most)
		}
	}
}

// The sums of a sample are right in the mean.
func TestSampleByGradient(t *testing.T) {
	const rows = 4000
	grads := make([]gradient, rows)
	var want sum
	for r := range grads {
		grads[r] = gradient{float32(math.Pow(unit(draw(4, uint64(r))), 6) - .1), float32(unit(draw(5, uint64(r))))}
		want.g += float64(grads[r].g)
		want.h += float64(grads[r].h)
	}
	tr := &trainer{data: &learn.Dataset{Rows: rows}, params: params{subsample: .1, lambda: 1}}
	var got sum
	n := 0
	const trees = 200
	for number := range uint64(trees) {
		tr.rows = tr.rows[:0]
		scaled := tr.sampleByGradient(number, grads)
		n += len(tr.rows)
		for _, r := range tr.rows {
			got.g += float64(scaled[r].g) / trees
			got.h += float64(scaled[r].h) / trees
		}
	}
	if share := float64(n) / rows / trees; math.Abs(share-.1) > .002 {
		t.Errorf("%v of the rows, want a tenth", share)
	}
	if math.Abs(got.g-want.g) > 20 || math.Abs(got.h-want.h) > 20 {
		t.Errorf("sums %v, want %v", got, want)
	}
}

func TestCertainFrom(t *testing.T) {
	for _, c := range []struct {
		norms []float64
		share float64
		want  float64
	}{
		{[]float64{1, 1, 1, 1}, .5, 2},
		{[]float64{0, 0}, .5, 0},
		{[]float64{100, 1, 1, 1}, .5, 3}, // the large one for certain, the others share one place
		{[]float64{5}, .1, 50},
	} {
		if got := certainFrom(c.norms, c.share); got != c.want {
			t.Errorf("%v of %v: %v, want %v", c.share, c.norms, got, c.want)
		}
	}
}

// linears are fits of the linear booster.
func linears(t testing.TB) map[string]learn.Model {
	t.Helper()
	out := map[string]learn.Model{}
	for name, c := range map[string]struct {
		classes int
		params  map[string]any
	}{
		"regression": {0, nil},
		"poisson":    {0, map[string]any{"objective": "count:poisson"}},
		"logistic":   {2, map[string]any{"objective": "binary:logistic"}},
		"classes":    {4, nil},
	} {
		params := map[string]any{"booster": "gblinear"}
		for k, v := range c.params {
			params[k] = v
		}
		out[name] = fit(t, noisy(300, 5, c.classes, .1), params)
	}
	return out
}

func TestLinearModels(t *testing.T) {
	x := noisy(100, 5, 0, .2).X
	for name, m := range linears(t) {
		data := encode(t, m)
		again, err := Decode(data)
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Fatalf("%s: %v after a round trip", name, err)
		}
		for i := range data {
			if _, err := Decode(data[:i]); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s, cut to %d bytes: %v", name, i, err)
			}
		}
		if _, err := Decode(append(data, 0)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s, a byte more: %v", name, err)
		}
		classes := make([]float32, 100)
		m.Predict(classes, x)
		parts := make([]float64, m.(*Linear).Margins()*6)
		for r := range 100 {
			row := x[r*5:][:5]
			m.(*Linear).Contributions(parts, row)
			for k := range m.(*Linear).groups {
				sum := 0.0
				for _, v := range parts[k*6:][:6] {
					sum += v
				}
				if want := float64(m.(*Linear).margin(k, row)); math.Abs(sum-want) > 1e-5 {
					t.Fatalf("%s: contributions of row %d add up to %v, want %v", name, r, sum, want)
				}
			}
		}
		if n := m.Classes(); n > 0 {
			for r, p := 0, outputs(m, x); r < 100; r++ {
				for _, v := range p[r*n:][:n] {
					if v > p[r*n+int(classes[r])]+1e-6 {
						t.Fatalf("%s: row %d is class %v with %v", name, r, classes[r], p[r*n:][:n])
					}
				}
			}
		}
	}
}

func TestLinearCancel(t *testing.T) {
	cause := errors.New("the client went away")
	ctx, cancel := context.WithCancelCause(context.Background())
	_, err := Train(ctx, noisy(500, 4, 0, 0), learn.Regression, map[string]any{"booster": "gblinear", "n_estimators": 100_000.0},
		func(done, _ int, _ ...learn.Score) {
			if done == 2 {
				cancel(cause)
			}
		})
	if !errors.Is(err, cause) {
		t.Errorf("%v, want the cause", err)
	}
	d := noisy(5, 2, 0, 0)
	d.X[3] = float32(math.Inf(1))
	if _, err := Train(t.Context(), d, learn.Regression, map[string]any{"booster": "gblinear"}, nil); err == nil {
		t.Error("trained with an infinite value")
	}
}

func FuzzDecodeLinear(f *testing.F) {
	for _, m := range linears(f) {
		f.Add(encode(f, m)[len(linearMagic):])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Decode(append([]byte(linearMagic), data...))
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("error without ErrCorrupt: %v", err)
			}
			return
		}
		outputs(m, make([]float32, 3*m.Features()))
		again, err := Decode(encode(t, m))
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Errorf("not the same after a round trip: %v", err)
		}
	})
}
