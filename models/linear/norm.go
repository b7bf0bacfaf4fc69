package linear

import (
	"math"

	"github.com/pgowl/pgowl/models/crew"
)

// leastNorm is the solution of least norm among those of least squares, in units of the scaled columns. The norm is that of the coefficients as
// they are, so columns are not scaled here. Columns that the others explain are found by a QR decomposition that takes the largest
// remaining one each time (LAPACK's gelsy; Golub and Van Loan, Matrix Computations, 5.5).
func (s *squares) leastNorm() ([]float64, error) {
	width, rows := s.data.Features, s.data.Rows
	var a []float64 // column by column, the right side last
	if rows <= 2*width {
		a = make([]float64, rows*(width+1))
		s.centred(a, 0, rows)
	} else {
		t, err := s.triangle()
		if err != nil {
			return nil, err
		}
		rows = width
		a = make([]float64, width*(width+1))
		for i := range width {
			for j := range width + 1 {
				a[j*width+i] = t[i*(width+1)+j]
			}
		}
	}
	w := s.complete(a, rows, width, float64(max(s.data.Rows, width))*0x1p-52)
	if err := s.crew.Err(); err != nil {
		return nil, err
	}
	for j := range w {
		w[j] *= s.scale[j]
	}
	return w, nil
}

// complete solves by a complete orthogonal decomposition. What is below tolerance times the largest column counts as nothing.
func (s *squares) complete(a []float64, rows, width int, tolerance float64) []float64 {
	col := func(j int) []float64 { return a[j*rows:][:rows] }
	order := make([]int, width)
	norm := make([]float64, width) // squared, of what remains of each column
	for j := range width {
		order[j] = j
		norm[j] = dot(col(j), col(j))
	}
	y := col(width)
	rank, first := 0, 0.0
	for k := 0; k < min(rows, width) && !s.crew.Stopped(); k++ {
		best := k
		for j := k + 1; j < width; j++ {
			if norm[j] > norm[best] {
				best = j
			}
		}
		if best != k {
			x, z := col(k), col(best)
			for i := range x {
				x[i], z[i] = z[i], x[i]
			}
			norm[k], norm[best] = norm[best], norm[k]
			order[k], order[best] = order[best], order[k]
		}
		v := col(k)[k:]
		size := math.Sqrt(dot(v, v))
		if k == 0 {
			first = size
		}
		if size <= tolerance*first {
			break
		}
		rank++
		head, tau := reflector(v)
		s.crew.Each((width-k+15)/16, crew.Large, func(g int) { // 16 columns a task
			for j := k + 1 + 16*g; j < min(k+17+16*g, width+1); j++ {
				x := col(j)[k:]
				mirror(x, v, tau)
				if j < width {
					// Counted anew: subtracting would leave rounding errors of what was there.
					norm[j] = dot(x[1:], x[1:])
				}
			}
		})
		v[0] = head
	}
	out := make([]float64, width)
	if rank == 0 || s.crew.Stopped() {
		return out
	}
	w := make([]float64, width)
	if rank == width {
		copy(w, y[:width])
		for j := width - 1; j >= 0; j-- {
			w[j] /= col(j)[j]
			axpy(w[:j], -w[j], col(j)[:j])
		}
	} else {
		s.shortest(w, y[:rank], func(i, j int) float64 { return a[j*rows+i] }, rank)
	}
	for k, j := range order {
		out[j] = w[k]
	}
	return out
}

// shortest writes the shortest w with t w = y to w, where t is an upper trapezoid of rank rows: tᵀ = q u, uᵀ v = y, w = q v.
func (s *squares) shortest(w, y []float64, t func(i, j int) float64, rank int) {
	width := len(w)
	q := make([]float64, rank*width)
	tau, head := make([]float64, rank), make([]float64, rank)
	for i := range rank {
		for j := i; j < width; j++ {
			q[i*width+j] = t(i, j)
		}
	}
	for k := range rank {
		if s.crew.Stopped() {
			return
		}
		v := q[k*width+k:][:width-k]
		head[k], tau[k] = reflector(v)
		for i := k + 1; i < rank; i++ {
			mirror(q[i*width+k:][:width-k], v, tau[k])
		}
	}
	for k := range rank { // row k of uᵀ is column k of u, which stands in row k of q
		x := y[k]
		for i := range k {
			x -= q[k*width+i] * w[i]
		}
		w[k] = x / head[k]
	}
	for k := rank - 1; k >= 0; k-- {
		mirror(w[k:], q[k*width+k:][:width-k], tau[k])
	}
}

// reflector makes of v the Householder vector (with a leading 1) that turns it to a multiple of the first axis, and returns that multiple.
func reflector(v []float64) (head, tau float64) {
	size := math.Sqrt(dot(v, v))
	alpha := v[0]
	if size == 0 {
		v[0] = 1
		return 0, 0
	}
	head = math.Copysign(size, -alpha)
	for i := range v[1:] {
		v[i+1] /= alpha - head
	}
	v[0] = 1
	return head, (head - alpha) / head
}

// mirror applies the reflection to x.
func mirror(x, v []float64, tau float64) { axpy(x, -tau*dot(v, x), v) }
