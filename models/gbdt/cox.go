package gbdt

import (
	"cmp"
	"math"
	"slices"
)

// coxGradients fills in the derivatives of Cox's partial likelihood, with Breslow's way for ties (XGBoost's survival:cox). A label is the time
// of an event, or minus the time until which there was none. Every row's share depends on all others, so they are made in order of time.
func (t *trainer) coxGradients(out []gradient) {
	coxGradients(out, t.margins, t.data.Y, t.held)
}

func coxGradients(out []gradient, margins, y []float32, held heldRows) {
	order := byTime(y, held)
	ahead := 0.0 // sum of exp(margin) over the rows that are still under observation
	for _, r := range order {
		ahead += hazard(margins[r])
	}
	var first, second float64 // sums of 1/ahead and 1/ahead^2 over the events so far
	var last, lastTime, passed float64
	for _, r := range order {
		e := hazard(margins[r])
		at := math.Abs(float64(y[r]))
		// The risk set shrinks only when time goes on.
		passed += last
		if lastTime < at {
			ahead -= passed
			passed = 0
		}
		event := 0.0
		if y[r] > 0 {
			event = 1
			at := max(ahead, e) // the row itself is in the risk set, whatever rounding has left of it
			first += 1 / at
			second += 1 / (at * at)
		}
		out[r] = gradient{float32(e*first - event), float32(e*first - e*e*second)}
		lastTime, last = at, e
	}
}

// hazard stays finite, as exp32 does.
func hazard(margin float32) float64 { return math.Exp(float64(min(margin, 88))) }

// byTime is the rows that are not held out by the absolute value of their labels.
func byTime(y []float32, held heldRows) []int32 {
	order := make([]int32, 0, len(y))
	for r := range y {
		if !held.has(r) {
			order = append(order, int32(r))
		}
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		return cmp.Compare(math.Abs(float64(y[a])), math.Abs(float64(y[b])))
	})
	return order
}
