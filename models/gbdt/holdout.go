package gbdt

import (
	"cmp"
	"math"
	"slices"

	"github.com/pgowl/pgowl/models/learn"
)

// stopper ends a fit when the loss of rows that it was not shown gets no better.
type stopper struct {
	patience int     // rounds without a gain
	delta    float64 // what counts as a gain
	sliding  bool    // scikit-learn: some of the last rounds must be better than the one before them

	losses []float64 // the first is before the first round
	best   int       // round with the least loss, from 1
	least  float64
}

// judge takes the loss after a round and says whether to stop. The first call is for the margins before any round.
func (s *stopper) judge(loss float64) bool {
	round := len(s.losses)
	s.losses = append(s.losses, loss)
	if s.sliding {
		if round < s.patience {
			return false
		}
		bar := s.losses[round-s.patience] - s.delta
		return !slices.ContainsFunc(s.losses[round-s.patience+1:], func(l float64) bool { return l < bar })
	}
	switch {
	case round == 0:
		s.least = math.Inf(1)
	case loss < s.least-s.delta || s.best == 0:
		s.least, s.best = loss, round
	case round-s.best >= s.patience:
		return true
	}
	return false
}

// holdApart divides a data set by a draw from seed: classes keep their shares. Both parts have a row at least, unless there is but one.
func holdApart(d *learn.Dataset, share float64, seed uint64) (fit, apart *learn.Dataset) {
	order := make([]int, d.Rows)
	keys := make([]uint64, d.Rows)
	for r := range order {
		order[r], keys[r] = r, draw(seed, drawHoldout, uint64(r))
	}
	slices.SortFunc(order, func(a, b int) int {
		class := 0
		if d.Classes > 0 {
			class = cmp.Compare(d.Y[a], d.Y[b])
		}
		return cmp.Or(class, cmp.Compare(keys[a], keys[b]), cmp.Compare(a, b))
	})
	held := make([]bool, d.Rows)
	for from := 0; from < len(order); {
		to := len(order)
		if d.Classes > 0 {
			for to = from; to < len(order) && d.Y[order[to]] == d.Y[order[from]]; to++ {
			}
		}
		for _, r := range order[from : from+int(share*float64(to-from)+.5)] {
			held[r] = true
		}
		from = to
	}
	if d.Rows > 1 && !slices.Contains(held, true) {
		held[order[0]] = true
	}
	part := func(want bool) *learn.Dataset {
		p := &learn.Dataset{Features: d.Features, Classes: d.Classes, Categorical: d.Categorical, Names: d.Names, ClassLabels: d.ClassLabels}
		for r := range d.Rows {
			if held[r] == want {
				p.X = append(p.X, d.Row(r)...)
				p.Y = append(p.Y, d.Y[r])
				if d.Weights != nil {
					p.Weights = append(p.Weights, d.Weights[r])
				}
				p.Rows++
			}
		}
		return p
	}
	if !slices.Contains(held, true) || !slices.Contains(held, false) {
		return d, nil
	}
	return part(false), part(true)
}
