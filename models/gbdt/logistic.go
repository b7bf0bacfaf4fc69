package gbdt

import "math"

// logisticGradients is gradient for the logistic loss without weights, over rows.
func logisticGradients(out []gradient, margins, y []float32) {
	margins, y = margins[:len(out)], y[:len(out)]
	for i, f := range margins {
		q := sigmoidOf(f)
		out[i] = gradient{q - y[i], max(q*(1-q), leastHessian)}
	}
}

// exp is e^x for -89 < x < 89 to within a float32's precision: 2^n by its bits, times a polynomial for what is left, at most half of ln 2 in size.
func exp(x float64) float64 {
	const (
		shift = 3 << 51
		ln2   = 0.693147180559945309417232121458
	)
	n := x*(1/ln2) + shift - shift
	r := x - n*ln2
	// Taylor's terms: the first one left out is below 6e-9.
	r2 := r * r
	p := 1 + r + r2*(0.5+r*(1./6)) + r2*r2*((1./24)+r*(1./120)+r2*((1./720)+r*(1./5040)))
	return p * math.Float64frombits(uint64(int64(n)+1023)<<52)
}
