package linear

import (
	"math"
	"slices"
)

const (
	// explicitLimit is the number of unknowns up to which the matrix of second derivatives is made.
	explicitLimit = 512
	// beyond is how much nearer to the optimum than the tolerance says a fit goes. Newton's method gets there in a step or two more.
	beyond  = 1e-4
	halving = 50 // of a step, at most
)

// run finds the optimum: Newton's method with a search along each step. It ends where no slope is larger than the tolerance for the mean row, or
// where numbers have no more digits.
func (f *fit) run(progress func(done, total int)) error {
	f.prepare()
	f.at(f.u, &f.now)
	var next state
	tolerance := max(f.params.tolerance*beyond, 1e-15) * f.total
	best := math.Inf(1)
	stuck := 0
	for round := range f.params.iterations {
		if err := f.crew.Err(); err != nil {
			return err
		}
		size := f.rest()
		if size <= tolerance {
			break
		}
		// Where rounding errors are all that is left the slope shrinks no more.
		if size < best/2 {
			best, stuck = size, 0
		} else if stuck++; stuck > 5 && size < 1e-9*f.total {
			break
		}
		step := f.direction(size)
		if err := f.crew.Err(); err != nil {
			return err
		}
		down := f.down(step)
		if !(down < 0) {
			break
		}
		if !f.search(step, down, &next) {
			break
		}
		f.now, next = next, f.now
		progress(round+1, f.params.iterations)
	}
	return f.crew.Err()
}

// search goes along the step as far as the loss falls enough (Armijo), and sets u and next. It is false where the loss falls nowhere.
func (f *fit) search(step []float64, down float64, next *state) bool {
	u := make([]float64, len(f.u))
	before := f.now.loss + f.size(f.u)
	for far := 1.0; far > math.Ldexp(1, -halving) && !f.crew.Stopped(); far /= 2 {
		copy(u, f.u)
		axpy(u, far, step)
		f.at(u, next)
		// The last steps change the loss by less than its rounding error.
		if next.loss+f.size(u) <= before+1e-4*far*down+1e-14*before {
			f.u = u
			return true
		}
	}
	return false
}

// down is how much the loss and the penalty of sizes fall over a whole step, by their slopes.
func (f *fit) down(step []float64) float64 {
	s := dot(step, f.now.slope)
	if f.lasso != nil {
		end := slices.Clone(f.u)
		axpy(end, 1, step)
		s += f.size(end) - f.size(f.u)
	}
	return s
}

// direction is Newton's step. size is that of the slope.
func (f *fit) direction(size float64) []float64 {
	if f.lasso != nil {
		return f.descend(size)
	}
	if len(f.u) > explicitLimit {
		return f.conjugate(size)
	}
	step := make([]float64, len(f.u))
	n := len(f.u)
	h := f.curvature()
	for damping := 1e-13; damping < 1 && !f.crew.Stopped(); damping *= 100 {
		a := append([]float64(nil), h...)
		if l := factorize(f.crew, a, n, damping, damping/2); l != nil {
			for i, v := range f.now.slope {
				step[i] = -v
			}
			l.solve(step)
			break
		}
	}
	return step
}

// second is the second derivative of row r's loss by margins k and l.
func (f *fit) second(r, k, l int) float64 {
	p := f.now.proba[r*f.margins:][:f.margins]
	v := -float64(p[k]) * float64(p[l])
	if k == l {
		v += float64(p[k])
	}
	return v * f.weight(r)
}

// curvature is the matrix of second derivatives.
func (f *fit) curvature() []float64 {
	width := f.width()
	n := f.margins * width
	h := make([]float64, n*n)
	for k := range f.margins {
		for l := range k + 1 {
			g := f.gram(f.crew, func(r int) float64 { return f.second(r, k, l) })
			for i := range width {
				for j := range width {
					h[(k*width+i)*n+l*width+j] = g[i*width+j]
					h[(l*width+i)*n+k*width+j] = g[i*width+j]
				}
			}
		}
		for j, v := range f.penalty {
			h[(k*width+j)*n+k*width+j] += v
		}
	}
	return h
}

// conjugate solves for Newton's step by conjugate gradients, preconditioned by the diagonal, as exactly as is worth it: the nearer the optimum, the more.
func (f *fit) conjugate(size float64) []float64 {
	n := len(f.u)
	diagonal := f.diagonal()
	x, r, z := make([]float64, n), make([]float64, n), make([]float64, n)
	precondition := func() float64 {
		for i, v := range r {
			z[i] = 0
			if diagonal[i] > 0 {
				z[i] = v / diagonal[i]
			}
		}
		return dot(r, z)
	}
	for i, v := range f.now.slope {
		r[i] = -v
	}
	enough := min(0.1, math.Sqrt(size/f.total)) * size
	rz := precondition()
	p := append([]float64(nil), z...)
	for range 2 * n {
		if largest(r) <= enough || f.crew.Stopped() {
			break
		}
		hp := f.times(p)
		bend := dot(p, hp)
		if !(bend > 0) { // flat: the penalty is none
			break
		}
		far := rz / bend
		axpy(x, far, p)
		axpy(r, -far, hp)
		before := rz
		rz = precondition()
		for i := range p {
			p[i] = z[i] + rz/before*p[i]
		}
	}
	return x
}

// times is the product of the matrix of second derivatives with v.
func (f *fit) times(v []float64) []float64 {
	n, width, k := f.data.Features, f.width(), f.margins
	w, bias := f.original(v)
	sums := f.rows(k*(n+1), func(r int, row, sum []float64) {
		p := f.now.proba[r*k:][:k]
		weight := f.weight(r)
		var room [32]float64
		ms := room[:0]
		mean := 0.0
		for i := range k {
			m := bias[i] + dot(w[i*n:][:n], row)
			ms = append(ms, m)
			mean += float64(p[i]) * m
		}
		for i, m := range ms {
			e := weight * float64(p[i]) * (m - mean)
			axpy(sum[i*(n+1):][:n], e, row)
			sum[i*(n+1)+n] += e
		}
	})
	out := f.scaled(sums)
	for i := range k {
		for j, q := range f.penalty {
			out[i*width+j] += q * v[i*width+j]
		}
	}
	return out
}

// diagonal is that of the matrix of second derivatives.
func (f *fit) diagonal() []float64 {
	n, width, k := f.data.Features, f.width(), f.margins
	out := f.rows(k*width, func(r int, row, sum []float64) {
		for j := range row {
			z := (row[j] - f.centre[j]) * f.inverse[j]
			row[j] = z * z
		}
		for i := range k {
			e := f.second(r, i, i)
			axpy(sum[i*width:][:n], e, row)
			if f.ones {
				sum[i*width+n] += e
			}
		}
	})
	for i := range k {
		for j, q := range f.penalty {
			out[i*width+j] += q
		}
	}
	return out
}
