package gbdt

import (
	"cmp"
	"slices"
)

// weighable is a loss that can weigh rows.
type weighable interface {
	// weighted is the loss of rows that weigh so much in training, and of rows that are held apart, whose weights mean takes.
	weighted(rows, apart []float32) criterion
}

// lossByWeight multiplies a loss of rows by their weights.
type lossByWeight struct {
	criterion
	starts      func(y []float32) []float64
	rows, apart []float32
}

func (l *lossByWeight) start(y []float32) []float64 { return l.starts(y) }

// begin is that of a loss that has one.
func (l *lossByWeight) begin(margins [][]float64, y []float32) {
	if b, ok := l.criterion.(beginner); ok {
		b.begin(margins, y)
	}
}

func (l *lossByWeight) gradients(out [][]gradient, margins [][]float64, y []float32, from, to int) {
	l.criterion.gradients(out, margins, y, from, to)
	for _, g := range out {
		weigh(g[from:to], l.rows, from)
	}
}

func (l *lossByWeight) mean(margins [][]float64, y []float32) float64 {
	return meanByWeight(l.criterion, l.apart, margins, y)
}

// meanByWeight is the mean of a loss over rows with weights: of the mean of each row by itself.
func meanByWeight(of criterion, weights []float32, margins [][]float64, y []float32) float64 {
	total, weight := 0.0, 0.0
	one := make([][]float64, len(margins))
	for r := range y {
		for k := range one {
			one[k] = margins[k][r : r+1]
		}
		w := weightOf(weights, r)
		total += of.mean(one, y[r:r+1]) * w
		weight += w
	}
	if weight == 0 {
		return total
	}
	return total / weight
}

func (l *pointLoss) weighted(rows, apart []float32) criterion {
	return &lossByWeight{l, func(y []float32) []float64 {
		// Every start is that of the labels' mean, which weighing the labels changes as it should.
		scaled, weight := make([]float32, len(y)), 0.0
		for _, w := range rows {
			weight += float64(w)
		}
		for r, v := range y {
			scaled[r] = float32(float64(v) * float64(rows[r]) * float64(len(y)) / weight)
		}
		return l.start(scaled)
	}, rows, apart}
}

func (l *softmaxLoss) weighted(rows, apart []float32) criterion {
	return &lossByWeight{l, func(y []float32) []float64 { return l.startOf(y, rows) }, rows, apart}
}

func (n *newton) weighted(rows, apart []float32) criterion {
	inner, ok := n.criterion.(weighable)
	if !ok {
		return nil
	}
	m := *n
	m.criterion, m.rows = inner.weighted(rows, apart), rows
	return &m
}

func (l *quantileLoss) weighted(rows, apart []float32) criterion {
	if l.ofWeighted == nil {
		return nil
	}
	m := *l
	m.rows = rows
	return &quantileOfWeighted{m, apart}
}

// quantileOfWeighted is a quantileLoss of rows with weights.
type quantileOfWeighted struct {
	quantileLoss
	apart []float32
}

func (l *quantileOfWeighted) mean(margins [][]float64, y []float32) float64 {
	return meanByWeight(&l.quantileLoss, l.apart, margins, y)
}

// lowerWeighted is, of values that weigh differently, the least at which the weights reach the share alpha of all (scikit-learn's weighted percentile).
func lowerWeighted(sorted []weighed, alpha float64) float64 {
	total := 0.0
	for _, v := range sorted {
		total += v.weight
	}
	sum, last := 0.0, 0.0
	for _, v := range sorted {
		if v.weight == 0 {
			continue
		}
		if sum += v.weight; sum >= alpha*total {
			return v.value
		}
		last = v.value
	}
	return last
}

func (l *quantileHuber) weighted(rows, apart []float32) criterion {
	m := *l
	m.rows, m.apart = rows, apart
	return &m
}

// byWeight sorts values with the weights of their rows.
func byWeight(values []weighed) []weighed {
	slices.SortStableFunc(values, func(a, b weighed) int { return cmp.Compare(a.value, b.value) })
	return values
}
