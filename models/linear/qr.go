package linear

import (
	"math"

	"github.com/pgowl/pgowl/models/crew"
)

// eliminate adds rows to a triangle by Householder reflections. r is the triangle, row-major with width+1 entries a row, the last of which is the
// right side; a holds n rows column by column, width+1 columns of n, and is used up. The reflections mix row k of the triangle with the new
// rows only, as all else in column k is zero already.
func eliminate(c *crew.Crew, r, a []float64, n, width int) {
	for k := range width {
		if c.Stopped() {
			return
		}
		v := a[k*n:][:n]
		alpha := r[k*(width+1)+k]
		size := math.Sqrt(dot(v, v) + alpha*alpha)
		if size == 0 || size == math.Abs(alpha) {
			continue
		}
		beta := math.Copysign(size, -alpha)
		tau := (beta - alpha) / beta
		for i := range v {
			v[i] /= alpha - beta
		}
		row := r[k*(width+1):][:width+1]
		row[k] = beta
		for j := k + 1; j <= width; j++ {
			col := a[j*n:][:n]
			s := tau * (row[j] + dot(v, col))
			row[j] -= s
			axpy(col, -s, v)
		}
	}
}

// triangle reduces the centred data and labels to as many rows as there are features, with the same least squares solutions: blocks of rows by
// themselves, and their triangles in block order.
func (s *squares) triangle() ([]float64, error) {
	width := s.data.Features
	size := width * (width + 1)
	bl := newBlocks(s.data.Rows)
	// A block pays from some times as many rows as its triangle has; memory for the triangles is bounded.
	bl.count = max(1, min(bl.count, s.data.Rows/(8*width), gramLimit/size))
	triangles := make([][]float64, bl.count)
	s.crew.Each(bl.count, crew.Large, func(b int) {
		t := make([]float64, size)
		from, to := bl.bounds(b)
		n := min(to-from, max(64, min(width, 1024)))
		a := make([]float64, n*(width+1))
		for ; from < to && !s.crew.Stopped(); from += n {
			n = min(n, to-from)
			s.centred(a, from, n)
			eliminate(s.crew, t, a, n, width)
		}
		triangles[b] = t
	})
	a := make([]float64, size)
	for _, t := range triangles[1:] {
		for i := range width {
			for j := range width + 1 {
				a[j*width+i] = t[i*(width+1)+j]
			}
		}
		eliminate(s.crew, triangles[0], a, width, width)
	}
	return triangles[0], s.crew.Err()
}

// centred writes n rows, and the labels, column by column, each times the root of its weight.
func (s *squares) centred(a []float64, from, n int) {
	for i := range n {
		root := math.Sqrt(s.data.Weight(from + i))
		for j, v := range s.data.Row(from + i) {
			a[j*n+i] = (float64(v) - s.centre[j]) * root
		}
		a[s.data.Features*n+i] = (float64(s.data.Y[from+i]) - s.target) * root
	}
}
