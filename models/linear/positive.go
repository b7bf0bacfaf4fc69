package linear

import "errors"

// positive is the least squares solution without negative coefficients, by the active set method of Lawson and Hanson on the normal equations
// (Bro and de Jong, A fast non-negativity-constrained least squares algorithm, 1997).
func (s *squares) positive() ([]float64, error) {
	width := s.width()
	g := s.gram(s.crew, s.weight())
	right, err := s.slope(make([]float64, width))
	if err != nil {
		return nil, err
	}
	u := make([]float64, width)
	in := make([]bool, width) // not held at 0
	barred := make([]bool, width)
	slack := 1e-12 * (1 + largest(right))
	for range 10*width + 10 {
		// The unknown that gains most by leaving 0.
		best, most := -1, slack
		for j := range width {
			if gain := right[j] - dot(g[j*width:][:width], u); !in[j] && !barred[j] && gain > most {
				best, most = j, gain
			}
		}
		if best < 0 {
			return u, nil
		}
		in[best] = true
		for {
			if err := s.crew.Err(); err != nil {
				return nil, err
			}
			z := s.inside(g, right, in)
			if z == nil || z[best] <= 0 && u[best] == 0 { // the others explain it, to rounding
				in[best], barred[best] = false, true
				break
			}
			// As far as all stay above 0.
			step, stop := 1.0, -1
			for j := range width {
				if in[j] && z[j] <= 0 {
					if far := u[j] / (u[j] - z[j]); stop < 0 || far < step {
						step, stop = far, j
					}
				}
			}
			for j := range width {
				if in[j] {
					u[j] = max(0, u[j]+step*(z[j]-u[j]))
				}
			}
			if stop >= 0 {
				u[stop], in[stop] = 0, false
			} else {
				clear(barred)
				break
			}
		}
	}
	return nil, errors.New("the least squares without negative coefficients do not converge")
}

// inside solves the normal equations of the unknowns that are in; the others are 0. It is nil where they are singular.
func (s *squares) inside(g, right []float64, in []bool) []float64 {
	width := len(in)
	var at []int
	for j, yes := range in {
		if yes {
			at = append(at, j)
		}
	}
	n := len(at)
	a, x := make([]float64, n*n), make([]float64, n)
	for i, p := range at {
		x[i] = right[p]
		for j, q := range at {
			a[i*n+j] = g[p*width+q]
		}
	}
	f := factorize(s.crew, a, n, 0, 1e-12)
	if f == nil {
		return nil
	}
	f.solve(x)
	z := make([]float64, width)
	for i, p := range at {
		z[p] = x[i]
	}
	return z
}
