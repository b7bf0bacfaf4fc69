package gbdt

import "math"

// lightWeights are what the rows of two classes weigh under is_unbalance and scale_pos_weight; share is that of the positive ones.
func (p *params) lightWeights(share float64) (negative, positive float64) {
	negative, positive = 1, p.scalePosWeight
	switch {
	case !p.light.unbalanced || share <= 0 || share >= 1:
	case share > .5:
		negative = share / (1 - share)
	default:
		positive *= (1 - share) / share
	}
	return negative, positive
}

// againstRest is LightGBM's cross entropy of a class against all others: of the second of two classes (binary), or of each (multiclassova). The margin times sigma is
// the log-odds.
type againstRest struct {
	p       *params
	sigma   float64
	first   int          // class of the first margin
	weights [][2]float64 // by margin: of the others, of the class
}

// share is the part of the rows that are of a margin's class.
func (l *againstRest) share(y []float32, k int) float64 {
	n := 0
	for _, v := range y {
		if int(v) == l.first+k {
			n++
		}
	}
	return float64(n) / float64(len(y))
}

func (l *againstRest) start(y []float32) []float64 { return l.startOf(y, nil) }

// startOf is start for rows with weights.
func (l *againstRest) startOf(y, weights []float32) []float64 {
	out := make([]float64, len(l.weights))
	for k := range out {
		own, all := 0.0, 0.0
		for r, v := range y {
			w := weightOf(weights, r)
			if int(v) == l.first+k {
				own += w
			}
			all += w
		}
		out[k] = logit(own/all) / l.sigma
	}
	return out
}

// weighted leaves the weights of classes to the numbers of rows, as LightGBM does.
func (l *againstRest) weighted(rows, apart []float32) criterion {
	return &lossByWeight{l, func(y []float32) []float64 { return l.startOf(y, rows) }, rows, apart}
}

// begin weighs the classes by the rows that are learned from.
func (l *againstRest) begin(_ [][]float64, y []float32) {
	for k := range l.weights {
		if l.weights[k] == [2]float64{} {
			l.weights[k][0], l.weights[k][1] = l.p.lightWeights(l.share(y, k))
		}
	}
}

func (l *againstRest) gradients(out [][]gradient, margins [][]float64, y []float32, from, to int) {
	for k := range out {
		for r := from; r < to; r++ {
			sign, w := -1.0, l.weights[k][0]
			if int(y[r]) == l.first+k {
				sign, w = 1, l.weights[k][1]
			}
			response := -sign * l.sigma / (1 + math.Exp(sign*l.sigma*margins[k][r]))
			a := math.Abs(response)
			out[k][r] = gradient{float32(response * w), float32(a * (l.sigma - a) * w)}
		}
	}
}

func (l *againstRest) mean(margins [][]float64, y []float32) float64 {
	total := 0.0
	for k := range margins {
		for r, v := range y {
			m := l.sigma * margins[k][r]
			if int(v) == l.first+k {
				m = -m
			}
			total += softplus(m)
		}
	}
	return total / float64(len(y))
}
