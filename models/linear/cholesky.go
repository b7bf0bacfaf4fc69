package linear

import (
	"math"

	"github.com/pgowl/pgowl/models/crew"
)

// factor is the Cholesky factor of a symmetric matrix whose rows and columns were scaled to a diagonal of 1.
type factor struct {
	n     int
	lower []float64 // row-major, n x n
	scale []float64 // 1/sqrt of the diagonal, 0 for a row without
	least float64   // the smallest pivot: about the part of a column that the ones before it do not explain
}

// factorize factors a, which it overwrites, with damping added to the scaled diagonal. Rows whose diagonal is 0 stand for unknowns that nothing
// depends on; they are solved as 0. It gives up at a pivot below least, and returns nil then, or when the crew was stopped.
func factorize(c *crew.Crew, a []float64, n int, damping, least float64) *factor {
	f := &factor{n: n, lower: a, scale: make([]float64, n), least: math.Inf(1)}
	for i := range n {
		if v := a[i*n+i]; v > 0 {
			f.scale[i] = 1 / math.Sqrt(v)
		}
	}
	for i := range n {
		row := a[i*n:][:n]
		for j := range i {
			row[j] *= f.scale[i] * f.scale[j]
		}
		row[i] = 1 + damping
		if c.Stopped() {
			return nil
		}
		for j := range i {
			other := a[j*n:][:n]
			row[j] = (row[j] - dot(row[:j], other[:j])) / other[j]
		}
		pivot := row[i] - dot(row[:i], row[:i])
		if !(pivot > least) {
			return nil
		}
		f.least = min(f.least, pivot)
		row[i] = math.Sqrt(pivot)
	}
	return f
}

// solve writes the solution for the right side x to x.
func (f *factor) solve(x []float64) {
	n, a := f.n, f.lower
	for i := range n {
		x[i] = (x[i]*f.scale[i] - dot(a[i*n:][:i], x[:i])) / a[i*n+i]
	}
	for i := n - 1; i >= 0; i-- {
		x[i] /= a[i*n+i]
		axpy(x[:i], -x[i], a[i*n:][:i])
	}
	for i := range n {
		x[i] *= f.scale[i]
	}
}

// dot is the product of two vectors of one length.
func dot(a, b []float64) float64 {
	var s0, s1, s2, s3 float64
	for len(a) >= 4 && len(b) >= 4 {
		s0 += a[0] * b[0]
		s1 += a[1] * b[1]
		s2 += a[2] * b[2]
		s3 += a[3] * b[3]
		a, b = a[4:], b[4:]
	}
	for i, v := range a {
		s0 += v * b[i]
	}
	return s0 + s1 + s2 + s3
}

// axpy adds f times x to y.
func axpy(y []float64, f float64, x []float64) {
	for len(y) >= 4 && len(x) >= 4 {
		y[0] += f * x[0]
		y[1] += f * x[1]
		y[2] += f * x[2]
		y[3] += f * x[3]
		y, x = y[4:], x[4:]
	}
	for i, v := range x {
		y[i] += f * v
	}
}

// largest is the largest magnitude in a vector.
func largest(x []float64) float64 {
	m := 0.0
	for _, v := range x {
		m = max(m, math.Abs(v))
	}
	return m
}
