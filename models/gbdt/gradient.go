package gbdt

import (
	"math"
)

// gradient is the first and second derivative of the loss of one row by its margin, in float32 as XGBoost keeps it.
type gradient struct{ g, h float32 }

// leastHessian keeps a row that is predicted with certainty from dividing by nothing.
const leastHessian = 1e-16

// gradientBlock is the number of rows in one task.
const gradientBlock = 4096

// gradients fills out[group][row] from the margins (row-major, groups a row).
func (t *trainer) gradients() {
	rows := t.data.Rows
	blocks := (rows + gradientBlock - 1) / gradientBlock
	switch {
	case t.plan.id == cox:
		t.coxGradients(t.grads[0])
	case t.ranking != nil: // with the queries' weights
		t.ranking.gradients(t.grads[0], t.margins, t.data.Y, t.rankings, func(n int, task func(q int)) { t.crew.Each(n, rows*200, task) })
		t.rankings++
		return
	}
	t.crew.Each(blocks, rows*t.plan.groups*8, func(b int) {
		from, to := b*gradientBlock, min((b+1)*gradientBlock, rows)
		switch {
		case t.plan.id == softmax:
			t.softmaxGradients(from, to)
		case t.plan.id == logistic && t.params.scalePosWeight == 1:
			logisticGradients(t.grads[0][from:to], t.margins[from:to], t.data.Y[from:to])
		case t.plan.id == aft:
			f := t.params.failureTime()
			for r := from; r < to; r++ {
				t.grads[0][r] = f.gradient(t.margins[r], t.data.Y[r], upperOf(t.data, r))
			}
		case t.plan.id != cox:
			out := t.grads[0]
			for r := from; r < to; r++ {
				out[r] = t.params.gradient(t.plan.id, t.margins[r], t.data.Y[r])
			}
		}
		for _, out := range t.grads {
			weigh(out[from:to], t.data.Weights, from)
		}
	})
}

// weigh multiplies the gradients of the rows from a given one on by their weights.
func weigh(grads []gradient, weights []float32, from int) {
	if weights == nil {
		return
	}
	for i := range grads {
		w := weights[from+i]
		grads[i].g *= w
		grads[i].h *= w
	}
}

func (t *trainer) softmaxGradients(from, to int) {
	k := t.plan.groups
	var small [16]float32
	p := small[:]
	if k > len(small) {
		p = make([]float32, k)
	}
	p = p[:k]
	for r := from; r < to; r++ {
		copy(p, t.margins[r*k:(r+1)*k])
		softmaxOf(p)
		y := int(t.data.Y[r])
		for c := range t.grads { // one array only when the second class mirrors the first
			g := p[c]
			h := max(2*g*(1-g), leastHessian)
			if c == y {
				g--
			}
			t.grads[c][r] = gradient{g, h}
		}
	}
}

// gradient is that of a row with margin f and label y, for an objective with one margin (engines.md section 1.1; XGBoost's regression_obj).
func (p *params) gradient(id objectiveID, f, y float32) gradient {
	switch id {
	case logistic, logitRaw:
		q := sigmoidOf(f)
		w := p.labelWeight(y)
		return gradient{(q - y) * w, max(q*(1-q), leastHessian) * w}
	case poisson:
		return gradient{exp32(f) - y, exp32(f + float32(p.maxDeltaStep))}
	case gammaDeviance:
		e := y / exp32(f)
		w := p.labelWeight(y) // here, too, as in XGBoost since 3.0
		return gradient{(1 - e) * w, max(e, leastHessian) * w}
	case tweedie:
		rho := p.tweediePower
		a, b := math.Exp((1-rho)*float64(f)), math.Exp((2-rho)*float64(f))
		return gradient{float32(b - float64(y)*a), float32((2-rho)*b - float64(y)*(1-rho)*a)}
	case pseudoHuber:
		d := p.huberSlope
		z := float64(f - y)
		s := math.Sqrt(1 + z*z/(d*d))
		return gradient{float32(z / s), float32(1 / (s * s * s))}
	case squaredLogError:
		z := math.Max(float64(f), -1+1e-6)
		d := math.Log1p(z) - math.Log1p(float64(y))
		return gradient{float32(d / (z + 1)), float32(max((1-d)/((z+1)*(z+1)), 1e-6))}
	case absoluteError:
		switch {
		case f > y:
			return gradient{1, 1}
		case f < y:
			return gradient{-1, 1}
		}
		return gradient{0, 1}
	case quantileError:
		if f >= y {
			return gradient{1 - float32(p.quantileAlpha), 1}
		}
		return gradient{-float32(p.quantileAlpha), 1}
	case hinge:
		side := 2*y - 1
		if f*side < 1 {
			return gradient{-side, 1}
		}
		return gradient{0, 0x1p-126} // the least float32 that is not denormal
	default: // squared error; XGBoost weighs a label of 1 here too
		w := p.labelWeight(y)
		return gradient{(f - y) * w, w}
	}
}

// exp32 stays finite, so that one wild label cannot turn a model into NaN.
func exp32(x float32) float32 { return float32(math.Exp(float64(min(x, 88)))) }

// labelWeight is scale_pos_weight for a label of 1.
func (p *params) labelWeight(y float32) float32 {
	if y == 1 {
		return float32(p.scalePosWeight)
	}
	return 1
}
