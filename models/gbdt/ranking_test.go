package gbdt

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/models/learn"
)

// asked is data with queries and labels that rank.
func asked(kind string, weighted bool) *learn.Dataset {
	d, _, _ := holdOut((&goldenCase{Kind: kind, Weighted: weighted}).data(), goldenTest)
	return d
}

// Rows of a query need not stand together.
func TestScatteredQueries(t *testing.T) {
	d := asked("ranks", true)
	order, place, seen := make([]int32, d.Rows), make([]int, d.Rows), map[int32]int{}
	for r, q := range d.Queries {
		order[r], place[r] = int32(r), seen[q]
		seen[q]++
	}
	slices.SortStableFunc(order, func(a, b int32) int { return place[a] - place[b] })
	other := &learn.Dataset{Rows: d.Rows, Features: d.Features, Y: learn.Pick(d.Y, order), Weights: learn.Pick(d.Weights, order), Queries: learn.Pick(d.Queries, order)}
	for _, r := range order {
		other.X = append(other.X, d.Row(int(r))...)
	}
	params := map[string]any{"objective": "rank:ndcg", "n_estimators": 3.0, "early_stopping_rounds": 20.0}
	a, b := outputs(fit(t, d, params), d.X), outputs(fit(t, other, params), d.X)
	for i := range a {
		if math.Abs(float64(a[i]-b[i])) > 1e-5 {
			t.Errorf("row %d: %v, scattered %v", i, a[i], b[i])
		}
	}
}

func TestHeldQueries(t *testing.T) {
	if drawHeldRows(3, []int32{5, 5, 5}, .5, 0) != nil {
		t.Error("the only query was held out")
	}
	for n := int32(2); n < 30; n++ {
		var queries []int32
		for r := range 3 * n {
			queries = append(queries, r%n)
		}
		for _, share := range []float64{.001, .3, .999} {
			held := drawHeldRows(len(queries), queries, share, 4)
			whole := slices.Equal(held[:n], held[n:2*n]) && slices.Equal(held[:n], held[2*n:])
			if !whole || !slices.Contains(held, true) || !slices.Contains(held, false) {
				t.Errorf("%d queries, share %v: %v", n, share, held)
			}
		}
	}
}

// The scores of a watched fit are those of whole queries, also where not all rows are watched.
func TestWatchedQueries(t *testing.T) {
	d := &learn.Dataset{Features: 1}
	for r := range 3 * mostWatched {
		d.X, d.Y, d.Queries = append(d.X, float32(r%10)), append(d.Y, float32(r%2)), append(d.Queries, int32(r/10))
	}
	d.Rows = len(d.Y)
	p, err := parse(map[string]any{"objective": "rank:ndcg"})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := p.watchedRows(d, plan{id: rankNDCG, groups: 1}, nil)
	if err != nil || len(rows) > mostWatched+10 || len(rows) < mostWatched/2 || len(rows)%10 != 0 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

func TestRankingErrors(t *testing.T) {
	plain, ranks, relevant, bounds := noisy(50, 4, 0, 0), asked("ranks", false), asked("relevant", false), asked("bounds", false)
	uneven := asked("ranks", false)
	for r := range uneven.Rows {
		uneven.Weights = append(uneven.Weights, float32(r%3))
	}
	half := asked("ranks", false)
	half.Y[3] = .5
	below := asked("bounds", false)
	below.Y[3] = -1
	upside := asked("bounds", false)
	upside.Y[7] = upside.Upper[7] + 1
	for _, c := range []struct {
		data      *learn.Dataset
		objective string
		metric    string
		name      string
		reason    string
	}{
		{plain, "rank:ndcg", "", "objective", "which query a row belongs to"},
		{plain, "reg:squarederror", "ndcg@3", "eval_metric", "which query a row belongs to"},
		{uneven, "rank:pairwise", "", "objective", "a ranking weighs queries"},
		{uneven, "reg:squarederror", "ndcg", "eval_metric", "a ranking weighs queries"},
		{half, "rank:ndcg", "", "objective", "whole numbers from 0 to 31"},
		{ranks, "rank:map", "", "objective", "0 or 1"},
		{ranks, "rank:pairwise", "map@3", "eval_metric", "0 or 1"},
		{relevant, "rank:map", "auc", "eval_metric", "not available yet"},
		{relevant, "rank:map", "aft-nloglik", "eval_metric", "is for the objective survival:aft"},
		{bounds, "survival:aft", "rmse", "eval_metric", "is not for the objective survival:aft"},
		{bounds, "reg:squarederror", "", "objective", "only survival:aft"},
		{upside, "survival:aft", "", "objective", "below it"},
		{below, "survival:aft", "", "objective", "negative"},
	} {
		params := map[string]any{"objective": c.objective}
		if c.metric != "" {
			params["eval_metric"] = c.metric
		}
		_, err := Train(t.Context(), c.data, learn.Regression, params, func(int, int, ...learn.Score) {})
		var pe *learn.ParamError
		if !errors.As(err, &pe) || pe.Name != c.name || !strings.Contains(pe.Reason, c.reason) {
			t.Errorf("%s %s: %v, want %s: %s", c.objective, c.metric, err, c.name, c.reason)
		}
	}
	if _, err := Train(t.Context(), noisy(50, 4, 2, 0), learn.Classification, map[string]any{"objective": "rank:map"}, nil); err == nil {
		t.Error("a classification ranks")
	}
	for name, train := range trainers {
		if name == "xgboost_random_forest" {
			continue
		}
		var unused *learn.UnusedError
		if _, err := train(t.Context(), bounds, learn.Regression, nil, nil); !errors.As(err, &unused) || unused.Part != learn.Upper {
			t.Errorf("%s takes upper bounds: %v", name, err)
		}
	}
}

// Derivatives of survival:aft are those of its loss.
func TestFailureTimeDerivatives(t *testing.T) {
	for name := range noises {
		f := &failureTime{noises[name], .8}
		for _, b := range [][2]float32{{2, 2}, {.5, 3}, {2, float32(math.Inf(1))}, {0, 1.5}} {
			for _, margin := range []float32{-1, .1, .6, 1.5} {
				const step = 1e-3
				loss := func(d float64) float64 { return f.loss(float64(margin)+d, float64(b[0]), float64(b[1])) }
				first := (loss(step) - loss(-step)) / (2 * step)
				second := (loss(step) - 2*loss(0) + loss(-step)) / (step * step)
				got := f.gradient(margin, b[0], b[1])
				if math.Abs(float64(got.g)-first) > 1e-4 || math.Abs(float64(got.h)-second) > 1e-4 {
					t.Errorf("%s, %v at %v: %v, want %v %v", name, b, margin, got, first, second)
				}
			}
		}
	}
}
