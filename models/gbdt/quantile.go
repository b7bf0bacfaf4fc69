package gbdt

import (
	"cmp"
	"math"
	"slices"
	"sort"
)

// quantileLoss has leaves that are a quantile of their rows' residuals: alpha .5 is the median, of the absolute error.
type quantileLoss struct {
	alpha float64
	// of picks the quantile from values in ascending order, one at least.
	of func(sorted []float64, alpha float64) float64
	// leafOf does so for leaves, nil is of.
	leafOf func(sorted []float64, alpha float64) float64
	// slope returns the gradient at a residual (margin less label); that of the absolute error has no factor of a half.
	slope func(residual float64) float64
	// weigh gives rows their weight (the relative error's), nil is 1 for each. Then of is not used.
	weigh func(y float64) float64
	rows  []float32 // weights beside those; nil: 1 for each
	// ofWeighted picks the quantile where rows have weights; nil is weightedQuantile.
	ofWeighted func(sorted []weighed, alpha float64) float64
}

// weight is that of a row with label y.
func (l *quantileLoss) weight(y float64) float64 {
	if l.weigh == nil {
		return 1
	}
	return l.weigh(y)
}

// weightAt is that of a row in training.
func (l *quantileLoss) weightAt(r int, y float64) float64 { return l.weight(y) * weightOf(l.rows, r) }

func (l *quantileLoss) pick(values []weighed, of func(sorted []float64, alpha float64) float64) float64 {
	slices.SortFunc(values, func(a, b weighed) int { return cmp.Compare(a.value, b.value) })
	switch {
	case l.rows != nil && l.ofWeighted != nil:
		return l.ofWeighted(values, l.alpha)
	case l.weigh != nil || l.rows != nil:
		return weightedQuantile(values, l.alpha)
	}
	sorted := make([]float64, len(values))
	for i, v := range values {
		sorted[i] = v.value
	}
	return of(sorted, l.alpha)
}

func (l *quantileLoss) start(y []float32) []float64 {
	values := make([]weighed, len(y))
	for i, v := range y {
		values[i] = weighed{float64(v), l.weightAt(i, float64(v))}
	}
	return []float64{l.pick(values, l.of)}
}

func (l *quantileLoss) gradients(out [][]gradient, margins [][]float64, y []float32, from, to int) {
	for r := from; r < to; r++ {
		v := float64(y[r])
		out[0][r] = gradient{float32(l.slope(margins[0][r]-v) * l.weightAt(r, v)), float32(weightOf(l.rows, r))}
	}
}

func (l *quantileLoss) mean(margins [][]float64, y []float32) float64 {
	total := 0.0
	for r, m := range margins[0] {
		v := float64(y[r])
		d := v - m
		total += max(l.alpha*d, (l.alpha-1)*d) * l.weight(v)
	}
	return total / float64(len(y))
}

func (l *quantileLoss) leaf(rows []int32, _ int, margins [][]float64, y []float32) float64 {
	values := make([]weighed, len(rows))
	for i, r := range rows {
		v := float64(y[r])
		values[i] = weighed{v - margins[0][r], l.weightAt(int(r), v)}
	}
	if l.leafOf != nil {
		return l.pick(values, l.leafOf)
	}
	return l.pick(values, l.of)
}

// weighed is a value with its weight.
type weighed struct{ value, weight float64 }

// sign is -1, 0 or 1.
func sign(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}

// pinball is the slope of the quantile loss.
func pinball(alpha float64) func(residual float64) float64 {
	return func(residual float64) float64 {
		if residual >= 0 {
			return 1 - alpha
		}
		return -alpha
	}
}

// linearQuantile interpolates between the two nearest values (numpy's default, and LightGBM's PercentileFun).
func linearQuantile(sorted []float64, alpha float64) float64 {
	at := alpha * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (sorted[i+1]-sorted[i])*(at-float64(i))
}

// weightedQuantile is LightGBM's: the last value at which the weights so far do not pass the share alpha of all, and when the next one weighs 1 or more, the way
// to it in proportion.
func weightedQuantile(sorted []weighed, alpha float64) float64 {
	sums := make([]float64, len(sorted))
	total := 0.0
	for i, v := range sorted {
		total += v.weight
		sums[i] = total
	}
	want := total * alpha
	i := sort.Search(len(sums), func(i int) bool { return sums[i] > want })
	i = min(i, len(sorted)-1)
	if i == 0 || i == len(sorted)-1 {
		return sorted[i].value
	}
	low, high := sorted[i-1].value, sorted[i].value
	if step := sums[i] - sums[i-1]; step >= 1 {
		return (want-sums[i-1])/step*(high-low) + low
	}
	return low
}

// relativeWeight is that of the mean absolute percentage error, a float in LightGBM.
func relativeWeight(y float64) float64 { return float64(float32(1 / max(1, math.Abs(y)))) }
