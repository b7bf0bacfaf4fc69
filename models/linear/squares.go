package linear

import (
	"fmt"
	"math"

	"github.com/pgowl/pgowl/models/crew"
	"github.com/pgowl/pgowl/models/learn"
)

const (
	// steady is the smallest pivot of the scaled normal equations that refinement copes with: each round then gains some digits.
	steady = 1e-9
	rounds = 6 // of refinement, at most
	// maxSquare is the number of features whose normal equations are still made: 2 GB.
	maxSquare = 1 << 14
)

// leastSquares is the coefficients and the intercept of a regression.
func leastSquares(c *crew.Crew, d *learn.Dataset, p *squaresParams) (*Model, error) {
	cols, err := examine(c, d, p.intercept)
	if err != nil {
		return nil, err
	}
	s := &squares{crew: c, design: design{data: d, columns: cols}}
	if p.intercept {
		s.target = meanOf(d)
	}
	if d.Features > maxSquare && (p.positive || d.Rows > d.Features) {
		return nil, fmt.Errorf("linear: %d features are too many for least squares over %d rows; up to %d are taken", d.Features, d.Rows, maxSquare)
	}
	var u []float64 // of the scaled columns
	switch {
	case p.positive:
		u, err = s.positive()
	case d.Rows > d.Features:
		if u, err = s.normal(); u == nil && err == nil {
			u, err = s.leastNorm()
		}
	default:
		u, err = s.leastNorm()
	}
	if err != nil {
		return nil, err
	}
	m := &Model{kind: regression, features: d.Features, weights: u, mean: cols.mean, bias: []float64{s.target}}
	for j := range u {
		u[j] *= cols.inverse[j]
		m.bias[0] -= u[j] * cols.centre[j]
	}
	return m.check()
}

// meanOf is the mean of the labels. It adds in blocks, as sums over rows do here.
func meanOf(d *learn.Dataset) float64 {
	total, weights := 0.0, 0.0
	bl := newBlocks(d.Rows)
	for b := range bl.count {
		from, to := bl.bounds(b)
		sum, weight := 0.0, 0.0
		for r := from; r < to; r++ {
			w := d.Weight(r)
			sum += float64(d.Y[r]) * w
			weight += w
		}
		total += sum
		weights += weight
	}
	return total / weights
}

// weight is that of the rows for gram; nil where it is 1.
func (s *squares) weight() func(row int) float64 {
	if s.data.Weights == nil {
		return nil
	}
	return s.data.Weight
}

// squares is one least squares problem.
type squares struct {
	crew *crew.Crew
	design
	target float64 // subtracted from the labels
}

// normal solves the normal equations. It is nil where they are too near to singular.
func (s *squares) normal() ([]float64, error) {
	width := s.width()
	g := s.gram(s.crew, s.weight())
	if err := s.crew.Err(); err != nil {
		return nil, err
	}
	f := factorize(s.crew, g, width, 0, steady)
	if err := s.crew.Err(); err != nil || f == nil {
		return nil, err
	}
	u := make([]float64, width)
	before := math.Inf(1)
	for range rounds {
		step, err := s.slope(u)
		if err != nil {
			return nil, err
		}
		f.solve(step)
		size := largest(step)
		if !(size < before/2) { // no gain any more
			break
		}
		before = size
		axpy(u, 1, step)
		if size <= 1e-15*largest(u) {
			break
		}
	}
	return u, nil
}

// slope is the sum over rows of the residual times the row, at u: half the negative gradient of the sum of squares.
func (s *squares) slope(u []float64) ([]float64, error) {
	d := s.data
	w := make([]float64, d.Features)
	offset := s.target
	for j := range w {
		w[j] = u[j] * s.inverse[j]
		offset -= w[j] * s.centre[j]
	}
	bl := newBlocks(d.Rows)
	sums := make([][]float64, bl.count) // and the residuals' own sum
	s.crew.Each(bl.count, crew.Large, func(b int) {
		sum := make([]float64, d.Features+1)
		row := make([]float64, d.Features)
		from, to := bl.bounds(b)
		for r := from; r < to; r++ {
			widen(row, d.Row(r))
			e := (float64(d.Y[r]) - offset - dot(w, row)) * d.Weight(r)
			axpy(sum, e, row)
			sum[d.Features] += e
		}
		sums[b] = sum
	})
	if err := s.crew.Err(); err != nil {
		return nil, err
	}
	for _, sum := range sums[1:] {
		axpy(sums[0], 1, sum)
	}
	g := sums[0][:d.Features]
	for j := range g {
		g[j] = (g[j] - s.centre[j]*sums[0][d.Features]) * s.inverse[j]
	}
	return g, nil
}

// widen converts a row.
func widen(dst []float64, row []float32) {
	for j, v := range row {
		dst[j] = float64(v)
	}
}
