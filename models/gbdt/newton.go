package gbdt

import (
	"math"
	"slices"
)

// newton is a loss whose trees are grown on its gradients alone, each row weighing the same, and whose leaves take a Newton step afterwards
// (scikit-learn's _update_terminal_regions).
type newton struct {
	criterion
	factor float64      // of a leaf
	kept   [][]gradient // with the second derivatives
	rows   []float32    // weights, which the gradients have in them; nil: one each
}

// newtonLeaves prepares a loss for so many rows and groups.
func newtonLeaves(of criterion, rows, groups int) *newton {
	n := &newton{criterion: of, factor: 1, kept: make([][]gradient, groups)}
	if groups > 1 {
		n.factor = float64(groups-1) / float64(groups)
	}
	for k := range n.kept {
		n.kept[k] = make([]gradient, rows)
	}
	return n
}

func (n *newton) gradients(out [][]gradient, margins [][]float64, y []float32, from, to int) {
	n.criterion.gradients(n.kept, margins, y, from, to)
	for k := range out {
		for r := from; r < to; r++ {
			out[k][r] = gradient{n.kept[k][r].g, float32(weightOf(n.rows, r))}
		}
	}
}

func (n *newton) leaf(rows []int32, group int, _ [][]float64, _ []float32) float64 {
	var s sum
	for _, r := range rows {
		s.g += float64(n.kept[group][r].g)
		s.h += float64(n.kept[group][r].h)
	}
	if math.Abs(s.h) < 1e-150 {
		return 0
	}
	return -s.g / s.h * n.factor
}

// exponentialLoss is AdaBoost's, of two classes: half the log-odds.
func exponentialLoss() *pointLoss {
	return &pointLoss{func(y []float32) float64 { return logit(mean(y)) / 2 },
		func(m, y float64) (float64, float64) {
			e := math.Exp(-(2*y - 1) * m)
			return -(2*y - 1) * e, e
		},
		func(m, y float64) float64 { return math.Exp(-(2*y - 1) * m) }}
}

// quantileHuber is scikit-learn's HuberLoss: straight from that quantile of the residuals on, which is taken again in each round.
type quantileHuber struct {
	alpha float64
	delta float64

	rows, apart []float32 // weights in training and of rows that are held apart; nil: one each
}

func (l *quantileHuber) start(y []float32) []float64 {
	if l.rows != nil {
		all := make([]weighed, len(y))
		for i, v := range y {
			all[i] = weighed{float64(v), float64(l.rows[i])}
		}
		return []float64{lowerWeighted(byWeight(all), .5)}
	}
	values := make([]float64, len(y))
	for i, v := range y {
		values[i] = float64(v)
	}
	slices.Sort(values)
	return []float64{linearQuantile(values, .5)}
}

// begin is called before the gradients of a round.
func (l *quantileHuber) begin(margins [][]float64, y []float32) {
	if l.rows != nil {
		all := make([]weighed, len(y))
		for r, v := range y {
			all[r] = weighed{math.Abs(float64(v) - margins[0][r]), float64(l.rows[r])}
		}
		l.delta = lowerWeighted(byWeight(all), l.alpha)
		return
	}
	values := make([]float64, len(y))
	for r, v := range y {
		values[r] = math.Abs(float64(v) - margins[0][r])
	}
	slices.Sort(values)
	l.delta = lowerQuantile(values, l.alpha)
}

func (l *quantileHuber) gradients(out [][]gradient, margins [][]float64, y []float32, from, to int) {
	for r := from; r < to; r++ {
		d := margins[0][r] - float64(y[r])
		w := weightOf(l.rows, r)
		out[0][r] = gradient{float32(min(max(d, -l.delta), l.delta) * w), float32(w)}
	}
}

func (l *quantileHuber) mean(margins [][]float64, y []float32) float64 {
	total, weight := 0.0, 0.0
	for r, v := range y {
		d, w := math.Abs(float64(v)-margins[0][r]), weightOf(l.apart, r)
		if d <= l.delta {
			total += d * d / 2 * w
		} else {
			total += l.delta * (d - l.delta/2) * w
		}
		weight += w
	}
	return total / weight
}

func (l *quantileHuber) leaf(rows []int32, _ int, margins [][]float64, y []float32) float64 {
	values := make([]weighed, len(rows))
	for i, r := range rows {
		values[i] = weighed{float64(y[r]) - margins[0][r], weightOf(l.rows, int(r))}
	}
	median := lowerWeighted(byWeight(values), .5)
	total, weight := 0.0, 0.0
	for _, v := range values {
		total += min(max(v.value-median, -l.delta), l.delta) * v.weight
		weight += v.weight
	}
	if weight == 0 {
		return 0
	}
	return median + total/weight
}

// lowerQuantile is the least value that a share alpha of the values does not pass (scikit-learn's weighted percentile).
func lowerQuantile(sorted []float64, alpha float64) float64 {
	at := int(math.Ceil(alpha*float64(len(sorted)))) - 1
	return sorted[min(max(at, 0), len(sorted)-1)]
}
