package learn

import (
	"errors"
	"fmt"
	"math"
)

// Pick gives the values of some rows; nil of nil.
func Pick[T any](values []T, rows []int32) []T {
	if values == nil {
		return nil
	}
	out := make([]T, len(rows))
	for i, r := range rows {
		out[i] = values[r]
	}
	return out
}

// Weight is how many rows a row counts as.
func (d *Dataset) Weight(row int) float64 {
	if d.Weights == nil {
		return 1
	}
	return float64(d.Weights[row])
}

// CheckWeights returns what is wrong with the weights, if there are any: each must be 0 or more, and one more than 0.
func (d *Dataset) CheckWeights() error {
	if d.Weights == nil {
		return nil
	}
	if len(d.Weights) != d.Rows {
		return fmt.Errorf("%d weights for %d rows", len(d.Weights), d.Rows)
	}
	some := false
	for i, w := range d.Weights {
		if !(w >= 0) || math.IsInf(float64(w), 0) {
			return fmt.Errorf("the weight of row %d is %v", i+1, w)
		}
		some = some || w > 0
	}
	if !some {
		return errors.New("no row has a weight")
	}
	return nil
}

// Part is a part of a data set that not every engine has a use for.
type Part string

// The parts.
const (
	Weights Part = "weights"
	Queries Part = "queries"
	Upper   Part = "upper bounds"
)

// UnusedError is the error of an engine for a part of a data set that it has no use for: a fit that left it out would not be what was asked for.
type UnusedError struct{ Part Part }

// Error implements error.
func (e *UnusedError) Error() string { return "the algorithm takes no " + string(e.Part) + " of rows" }

// Uses returns an *UnusedError if the data set has a part that is not among those that an engine uses.
func (d *Dataset) Uses(parts ...Part) error {
	for _, p := range []struct {
		part Part
		has  bool
	}{{Weights, d.Weights != nil}, {Queries, d.Queries != nil}, {Upper, d.Upper != nil}} {
		used := false
		for _, u := range parts {
			used = used || u == p.part
		}
		if p.has && !used {
			return &UnusedError{p.part}
		}
	}
	return nil
}
