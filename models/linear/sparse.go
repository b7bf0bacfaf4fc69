package linear

import "math"

// Penalties by size (lasso, elastic net): Newton's method whose step is the minimum of the quadratic model with the penalty, found by coordinate descent (Lee, Sun and
// Saunders, Proximal Newton-type methods for minimizing composite functions, 2014; Friedman, Hastie and Tibshirani, 2010).

const (
	// sparseLimit is the number of unknowns up to which the matrix of second derivatives is made for it: 512 MB.
	sparseLimit = 1 << 13
	sweeps      = 10_000 // over the unknowns for a step, at most
)

// size is the penalty of the unknowns' sizes.
func (f *fit) size(u []float64) float64 {
	s := 0.0
	if f.lasso != nil {
		for i, v := range u {
			s += f.lasso[i%len(f.lasso)] * math.Abs(v)
		}
	}
	return s
}

// rest is how far u is from an optimum: the largest slope, where an unknown at 0 may have one up to its penalty.
func (f *fit) rest() float64 {
	if f.lasso == nil {
		return largest(f.now.slope)
	}
	worst := 0.0
	for i, g := range f.now.slope {
		a, v := f.lasso[i%len(f.lasso)], 0.0
		switch u := f.u[i]; {
		case u > 0:
			v = math.Abs(g + a)
		case u < 0:
			v = math.Abs(g - a)
		default:
			v = math.Abs(g) - a
		}
		worst = max(worst, v)
	}
	return worst
}

// descend is the step to the minimum of the quadratic model with the penalty. rest is that of the place where it begins.
func (f *fit) descend(rest float64) []float64 {
	n := len(f.u)
	h := f.curvature()
	step, bent := make([]float64, n), make([]float64, n) // bent is h times the step
	one := func(i int) float64 {
		bend := h[i*n+i]
		if bend <= 0 {
			return 0 // nothing depends on it
		}
		bend *= 1 + 1e-12
		at := f.u[i] + step[i]
		to := at*bend - f.now.slope[i] - bent[i]
		a := f.lasso[i%len(f.lasso)]
		to = math.Copysign(max(math.Abs(to)-a, 0), to) / bend
		if to == at {
			return 0
		}
		axpy(bent, to-at, h[i*n:][:n])
		step[i] += to - at
		return math.Abs(to-at) * bend
	}
	enough := rest * 1e-3
	all := true
	for range sweeps {
		if f.crew.Stopped() {
			break
		}
		moved := 0.0
		for i := range n {
			if all || f.u[i]+step[i] != 0 {
				moved = max(moved, one(i))
			}
		}
		// Sweeps over those that are not 0, until they rest; then one over all, which must find them at rest, too.
		if moved <= enough {
			if all {
				break
			}
			all = true
			continue
		}
		all = false
	}
	return step
}
