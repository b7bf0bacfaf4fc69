package gbdt

import "math"

// The leaves of the logistic loss take ten steps unless told otherwise. Each needs the sums of the first two derivatives over a leaf's rows at another value of the
// leaf, which would cost an exponential a row. But these sums are smooth: from those of the first eight derivatives at one value (Taylor's series) follow those near it.

const (
	// logisticReach is how far from where they were taken the derivatives are good for: there the series is off by (logisticReach / pi)^9, 3e-10 of its size.
	logisticReach = 0.28
	// logisticWidth is the number of sums a leaf: of the gradients, and of s^i and s^i (1-2p) for i from 1 to 4, where s = p (1-p).
	logisticWidth = 9
)

// logistic says whether the leaves are those of the logistic loss by Newton's steps, each for itself.
func (f *catFit) logistic() bool {
	c := &f.p.catting
	return (c.loss.name == "Logloss" || c.loss.name == "CrossEntropy") && c.leafMethod == "Newton" && f.chains == nil
}

// logisticLeaves takes the steps of all leaves.
func (f *catFit) logisticLeaves(n int) [][]float64 {
	values, centers, steps := make([]float64, n), make([]float64, n), make([]int, n)
	active := make([]bool, n)
	for i := range active {
		active[i] = true
	}
	for pass := 0; ; pass++ {
		var sums []float64
		if pass == 0 && f.weights == nil {
			sums = f.sums(n, logisticWidth, 8, f.logisticAtGradients)
		} else {
			sums = f.sums(n, logisticWidth, 16, func(out []float64, from, to int) { f.logisticAt(out, active, centers, from, to) })
		}
		again := false
		for i := range active {
			if !active[i] {
				continue
			}
			series := newLogisticSeries((*[logisticWidth]float64)(sums[i*logisticWidth:]))
			for active[i] = steps[i] < f.p.catting.leafIterations; active[i]; active[i] = steps[i] < f.p.catting.leafIterations {
				away := values[i] - centers[i]
				if math.Abs(away) > logisticReach {
					break
				}
				steps[i]++
				g, h := series.at(away)
				if h += f.l2; h > 0 {
					values[i] -= g / h
				}
			}
			centers[i] = values[i]
			again = again || active[i]
		}
		if !again || f.t.crew.Stopped() {
			break
		}
	}
	out := make([][]float64, n)
	for i, v := range values {
		out[i] = []float64{v}
	}
	return out
}

// logisticAtGradients adds up the sums of rows at their margins, from the gradients, which are p - y.
func (f *catFit) logisticAtGradients(out []float64, from, to int) {
	grads, y, places := f.t.grads[0][from:to], f.t.data.Y[from:to], f.places[from:to]
	for i, grad := range grads {
		g := float64(grad.g)
		logisticAdd((*[logisticWidth]float64)(out[int(places[i])*logisticWidth:]), 1, g, g+float64(y[i]))
	}
}

// logisticAt adds up the sums of the rows of active leaves, at the leaves' centers.
func (f *catFit) logisticAt(out []float64, active []bool, centers []float64, from, to int) {
	margins, y := f.margins[0], f.t.data.Y
	for r := from; r < to; r++ {
		place := f.places[r]
		if !active[place] {
			continue
		}
		p := expit(margins[r] + centers[place])
		logisticAdd((*[logisticWidth]float64)(out[int(place)*logisticWidth:]), float64(f.weight(r)), p-float64(y[r]), p)
	}
}

// logisticAdd adds a row of weight w, gradient g and probability p.
func logisticAdd(out *[logisticWidth]float64, w, g, p float64) {
	q := 1 - p
	s, u := p*q, q-p
	out[0] += w * g
	a := w * s
	out[1] += a
	out[2] += a * u
	a *= s
	out[3] += a
	out[4] += a * u
	a *= s
	out[5] += a
	out[6] += a * u
	a *= s
	out[7] += a
	out[8] += a * u
}

// logisticSeries has the coefficients of the sum of gradients near a value of the leaf.
type logisticSeries [9]float64

// newLogisticSeries makes Taylor's series of the sums: with u = 1-2p, s' = s u and u' = -2 s, so that the derivatives of the logistic function are polynomials of these.
func newLogisticSeries(m *[logisticWidth]float64) logisticSeries {
	s1, u1, s2, u2, s3, u3, s4, u4 := m[1], m[2], m[3], m[4], m[5], m[6], m[7], m[8]
	return logisticSeries{
		m[0],
		s1,
		u1 / 2,
		(s1 - 6*s2) / 6,
		(u1 - 12*u2) / 24,
		(s1 - 30*s2 + 120*s3) / 120,
		(u1 - 60*u2 + 360*u3) / 720,
		(s1 - 126*s2 + 1680*s3 - 5040*s4) / 5040,
		(u1 - 252*u2 + 5040*u3 - 20160*u4) / 40320,
	}
}

// at is the sum of the gradients, and of the second derivatives, so far away.
func (t *logisticSeries) at(away float64) (g, h float64) {
	for i := len(t) - 1; i > 0; i-- {
		g = g*away + t[i]
		h = h*away + float64(i)*t[i]
	}
	return g*away + t[0], h
}
