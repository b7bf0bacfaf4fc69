package metrics

import (
	"math"
	"testing"
)

// TestNDCG compares with scikit-learn's ndcg_score of each query.
func TestNDCG(t *testing.T) {
	labels := []float32{3, 2, 0, 1, 0, 1, 0, 2, 1, 0, 0, 0, 5}
	predicted := []float32{.1, .4, .2, .3, .5, .5, .1, .5, 2, 1, 1, 2, 9}
	queries := []int32{4, 4, 4, 4, 7, 7, 7, 7, 0, 0, 1, 1, 2} // 1 has no label above 0, 2 has one row
	if got := NDCG(labels, predicted, queries); math.Abs(got-0.8779274752467018) > 1e-12 {
		t.Errorf("%v", got)
	}
	for name, got := range map[string]float64{
		"none":     NDCG(nil, nil, nil),
		"negative": NDCG([]float32{1, -1}, []float32{1, 2}, []int32{0, 0}),
		"missing":  NDCG([]float32{1, 0}, []float32{float32(math.NaN()), 2}, []int32{0, 0}),
	} {
		if !math.IsNaN(got) {
			t.Errorf("%s: %v", name, got)
		}
	}
}
