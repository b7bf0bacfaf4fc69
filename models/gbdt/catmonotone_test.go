package gbdt

import (
	"math"
	"slices"
	"testing"
)

func TestChains(t *testing.T) {
	for _, c := range []struct {
		signs []int8
		want  [][]int
	}{
		{nil, [][]int{{0}}},
		{[]int8{0}, [][]int{{0}, {1}}},
		{[]int8{1}, [][]int{{0, 1}}},
		{[]int8{-1}, [][]int{{1, 0}}},
		{[]int8{0, 1}, [][]int{{0, 1}, {2, 3}}},
		{[]int8{1, 0, -1}, [][]int{{1, 0, 5, 4}, {3, 2, 7, 6}}},
	} {
		if got := chains(c.signs); !slices.EqualFunc(got, c.want, slices.Equal) {
			t.Errorf("%v: %v, want %v", c.signs, got, c.want)
		}
	}
}

func TestRise(t *testing.T) {
	for _, c := range []struct{ values, weights, want []float64 }{
		{[]float64{1, 2, 3}, []float64{1, 1, 1}, []float64{1, 2, 3}},
		{[]float64{3, 1}, []float64{1, 3}, []float64{1.5, 1.5}},
		{[]float64{4, 3, 2, 9, 5}, []float64{1, 1, 1, 1, 1}, []float64{3, 3, 3, 7, 7}},
	} {
		got, chain := slices.Clone(c.values), []int{0, 1, 2, 3, 4}[:len(c.values)]
		rise(got, c.weights, chain)
		for i := range got {
			if math.Abs(got[i]-c.want[i]) > 1e-12 {
				t.Errorf("%v: %v, want %v", c.values, got, c.want)
				break
			}
		}
	}
}

// With constraints a model rises or falls with the feature, whatever the others are.
func TestCatBoostMonotone(t *testing.T) {
	d := noisy(3000, 3, 0, .1)
	m, err := TrainCatBoost(t.Context(), d, taskOf(0), map[string]any{"iterations": 30., "monotone_constraints": "(1,-1,0)", "random_seed": 3.}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for r := range 200 {
		for f, sign := range []float32{1, -1} {
			last := float32(math.Inf(-1))
			for step := range 20 {
				x, out := slices.Clone(d.Row(r)), make([]float32, 1)
				x[f] = sign * (float32(step)/10 - .5)
				m.Predict(out, x)
				if out[0] < last {
					t.Fatalf("feature %d at %v: %v after %v", f, x[f], out[0], last)
				}
				last = out[0]
			}
		}
	}
}
