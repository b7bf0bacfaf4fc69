package gbdt

import (
	"cmp"
	"math"
	"slices"
)

// adaptive says whether the leaves of a tree are set anew to a quantile of what is left to explain, and to which.
func (t *trainer) adaptive() (share float64, yes bool) {
	switch t.plan.id {
	case absoluteError:
		return 0.5, true
	case quantileError:
		return t.params.quantileAlpha, true
	}
	return 0, false
}

// refit sets the leaves of the tree just grown to the quantile of the labels less the margins of their rows (XGBoost's UpdateTreeLeaf).
// before are the margins before the round, which its parallel trees share.
func (t *trainer) refit(grown *tree, share float64, before []float32) {
	rate := float32(t.params.eta) / float32(t.params.parallelTrees)
	left := func(r int32) float32 { return t.data.Y[r] - before[r] }
	t.crew.Each(len(t.leaves), len(t.rows)*50, func(i int) {
		s := t.leaves[i]
		if s.from < s.to {
			grown.nodes[s.node].value = quantile(slices.Clone(t.rows[s.from:s.to]), left, t.data.Weights, share) * rate
		}
	})
}

// quantile is that of the values of some rows, of which there is one at least: interpolated between neighbours, or, with weights, the first value
// at which the share of the weight is reached (XGBoost's common::Quantile and WeightedQuantile). It sorts rows.
func quantile(rows []int32, value func(r int32) float32, weights []float32, share float64) float32 {
	values := make([]float32, len(rows))
	if weights == nil {
		for i, r := range rows {
			values[i] = value(r)
		}
		slices.Sort(values)
		n := float64(len(values))
		if share <= 1/(n+1) {
			return values[0]
		}
		if share >= n/(n+1) {
			return values[len(values)-1]
		}
		x := share * (n + 1)
		k := math.Floor(x) - 1
		a, b := values[int(k)], values[int(k)+1]
		return float32(float64(a) + (x-1-k)*float64(b-a))
	}
	slices.SortStableFunc(rows, func(a, b int32) int { return cmp.Compare(value(a), value(b)) })
	sums := make([]float32, len(rows))
	total := float32(0)
	for i, r := range rows {
		total += weights[r]
		sums[i] = total
	}
	threshold := float32(float64(total) * share)
	at, _ := slices.BinarySearch(sums, threshold)
	return value(rows[min(at, len(rows)-1)])
}
