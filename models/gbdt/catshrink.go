package gbdt

import "math"

// keeps is the factor that the model so far is multiplied by before a round, from 1 on (CatBoost's model_shrink_rate and model_shrink_mode). With monotone
// constraints it shrinks a little unless told otherwise.
func (f *catFit) keeps(round int) float64 {
	c := &f.p.catting
	rate := c.shrinkRate
	switch {
	case math.IsNaN(rate) && f.signs == nil || rate == 0 || round == 0:
		return 1
	case math.IsNaN(rate) && c.shrinkDecreasing:
		rate = .2
	case math.IsNaN(rate):
		rate = .01
	}
	if c.shrinkDecreasing {
		return 1 - rate/float64(round)
	}
	return 1 - rate*f.p.eta
}

// shrink multiplies the margins.
func (f *catFit) shrink(round int) {
	by := f.keeps(round)
	if by == 1 {
		return
	}
	for k := range f.margins {
		f.each(1, func(from, to int) {
			for r := from; r < to; r++ {
				f.margins[k][r] *= by
			}
		})
	}
	if f.watch != nil {
		for _, margins := range f.watch.margins {
			for r := range margins {
				margins[r] *= by
			}
		}
	}
}

// shrunk multiplies the trees, and what the margins begin with, by the factors of the rounds after them.
func (f *catFit) shrunk(trees []tree) {
	by := 1.0
	for round := len(trees)/f.groups - 1; round >= 0; round-- {
		for _, t := range trees[round*f.groups : (round+1)*f.groups] {
			for j := range t.nodes {
				if n := &t.nodes[j]; n.feature == leaf {
					n.value = float32(float64(n.value) * by)
				}
			}
		}
		by *= f.keeps(round)
	}
	for k := range f.begin {
		f.begin[k] *= by
	}
}
