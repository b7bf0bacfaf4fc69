package linear

import (
	"fmt"
	"math"

	"github.com/pgowl/pgowl/models/crew"
	"github.com/pgowl/pgowl/models/learn"
)

// columns are what a fit has to know of the features beforehand.
type columns struct {
	mean  []float64
	scale []float64 // root of the mean square about centre; 0 where every value is the centre
	// centre is what is subtracted: the mean, or 0 for a fit without intercept.
	centre []float64
	// inverse is 1/scale, or 0 for a column that says nothing.
	inverse []float64
}

// examine reads the columns, each row by its weight. A value that is missing or infinite is an error that tells the feature.
func examine(c *crew.Crew, d *learn.Dataset, intercept bool) (*columns, error) {
	width := d.Features
	bl := newBlocks(d.Rows)
	type part struct {
		weight    float64
		sum       []float64
		low, high []float32
		bad       int // row of the first value that is no number, or -1
	}
	parts := make([]part, bl.count)
	c.Each(bl.count, crew.Large, func(b int) {
		p := part{0, make([]float64, width), make([]float32, width), make([]float32, width), -1}
		from, to := bl.bounds(b)
		for j := range width {
			p.low[j], p.high[j] = float32(math.Inf(1)), float32(math.Inf(-1))
		}
		for r := from; r < to && p.bad < 0; r++ {
			weight := d.Weight(r)
			p.weight += weight
			for j, v := range d.Row(r) {
				if v-v != 0 { // NaN and infinities
					p.bad = r
				}
				p.sum[j] += float64(v) * weight
				if weight > 0 {
					p.low[j], p.high[j] = min(p.low[j], v), max(p.high[j], v)
				}
			}
		}
		parts[b] = p
	})
	if err := c.Err(); err != nil {
		return nil, err
	}
	s := &columns{mean: make([]float64, width), scale: make([]float64, width), centre: make([]float64, width), inverse: make([]float64, width)}
	low, high, total := parts[0].low, parts[0].high, 0.0
	for _, p := range parts {
		if p.bad >= 0 {
			return nil, unusable(d, p.bad)
		}
		total += p.weight
		for j := range width {
			s.mean[j] += p.sum[j]
			low[j], high[j] = min(low[j], p.low[j]), max(high[j], p.high[j])
		}
	}
	for j := range width {
		s.mean[j] /= total
		if low[j] == high[j] { // exactly, so that a constant column is one
			s.mean[j] = float64(low[j])
		}
	}
	if intercept {
		copy(s.centre, s.mean)
	}
	squares := make([][]float64, bl.count)
	c.Each(bl.count, crew.Large, func(b int) {
		sum := make([]float64, width)
		from, to := bl.bounds(b)
		for r := from; r < to; r++ {
			weight := d.Weight(r)
			for j, v := range d.Row(r) {
				z := float64(v) - s.centre[j]
				sum[j] += z * z * weight
			}
		}
		squares[b] = sum
	})
	if err := c.Err(); err != nil {
		return nil, err
	}
	for j := range width {
		for _, sum := range squares {
			s.scale[j] += sum[j]
		}
		s.scale[j] = math.Sqrt(s.scale[j] / total)
		if s.scale[j] > 0 {
			s.inverse[j] = 1 / s.scale[j]
		}
	}
	return s, nil
}

// unusable is the error for a row with a value that is no number.
func unusable(d *learn.Dataset, row int) error {
	for j, v := range d.Row(row) {
		switch {
		case v != v:
			return fmt.Errorf("feature %d is missing in row %d: a linear model takes no missing values, impute them", j+1, row+1)
		case v-v != 0:
			return fmt.Errorf("feature %d is infinite in row %d", j+1, row+1)
		}
	}
	return fmt.Errorf("row %d has a value that is no number", row+1)
}
