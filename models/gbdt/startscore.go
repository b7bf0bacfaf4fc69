package gbdt

import "github.com/pgowl/pgowl/models/learn"

// startScore is XGBoost's estimate since 2.0, from the rows that are not held out: the mean of the labels, their median or quantile, for softmax
// 0.5 (any constant is the same); where none of these is the best constant one Newton step from margin 0.
func (p *params) startScore(id objectiveID, d *learn.Dataset, held heldRows) float64 {
	switch id {
	case softmax:
		return 0.5
	case absoluteError, quantileError:
		share := 0.5
		if id == quantileError {
			share = p.quantileAlpha
		}
		rows := make([]int32, 0, d.Rows)
		for r := range d.Rows {
			if !held.has(r) {
				rows = append(rows, int32(r))
			}
		}
		return float64(quantile(rows, func(r int32) float32 { return d.Y[r] }, d.Weights, share))
	case aft:
		return 0.5
	case rankPairwise, rankNDCG, rankMAP: // what pulls the rows of a query apart sums to nothing
		return 0
	case pseudoHuber, squaredLogError, hinge, cox:
		return p.newtonScore(id, d, held)
	}
	if p.scalePosWeight != 1 && (id == logistic || id == logitRaw || id == squaredError || id == gammaDeviance) {
		return p.newtonScore(id, d, held)
	}
	total, weight := 0.0, 0.0
	for r, y := range d.Y {
		if held.has(r) {
			continue
		}
		w := weightOf(d.Weights, r)
		total += float64(y) * w
		weight += w
	}
	mean := total / weight
	if weight == 0 { // all rows that have any are held out
		mean = 0.5
	}
	switch {
	case id.link() == sigmoid || id == logitRaw: // logitraw's margin, too, starts from the mean
		return min(max(mean, 1e-6), 1-1e-6)
	case id.link() == exponent:
		return max(mean, 1e-6)
	}
	return mean
}

// newtonScore is the value of the margin that one Newton step leads to from 0.
func (p *params) newtonScore(id objectiveID, d *learn.Dataset, held heldRows) float64 {
	grads := make([]gradient, d.Rows)
	if id == cox {
		coxGradients(grads, make([]float32, d.Rows), d.Y, held)
	} else {
		for r, y := range d.Y {
			grads[r] = p.gradient(id, 0, y)
		}
	}
	weigh(grads, d.Weights, 0)
	var s sum
	for r, g := range grads {
		if !held.has(r) {
			s.g += float64(g.g)
			s.h += float64(g.h)
		}
	}
	l := id.link()
	if p.objective == rawLogistic {
		l = identity
	}
	if s.h <= 0 {
		return float64(l.apply(0))
	}
	return float64(l.apply(float32(-s.g / s.h)))
}

// weightOf is the weight of a row; weights may be nil.
func weightOf(weights []float32, r int) float64 {
	if weights == nil {
		return 1
	}
	return float64(weights[r])
}
