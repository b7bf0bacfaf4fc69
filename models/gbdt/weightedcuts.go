package gbdt

import (
	"cmp"
	"slices"
)

// ranks ranks the values of a column by the weights of their rows. There is one value at least.
func (s *sampler) ranks(column []float32) []rank {
	type pair struct{ value, weight float32 }
	pairs := make([]pair, 0, len(column))
	if s.rows == nil {
		for r, v := range column {
			if v == v {
				pairs = append(pairs, pair{v + 0, s.weights[r]})
			}
		}
	} else {
		for _, r := range s.rows {
			if v := column[r]; v == v {
				pairs = append(pairs, pair{v + 0, s.weights[r]})
			}
		}
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return cmp.Compare(a.value, b.value) })
	ranks := make([]rank, 0, min(len(pairs), 4096))
	below := float32(0)
	for i := 0; i < len(pairs); {
		upTo, v := below, pairs[i].value
		for ; i < len(pairs) && pairs[i].value == v; i++ {
			upTo += pairs[i].weight
		}
		ranks = append(ranks, rank{v, below, upTo})
		below = upTo
	}
	return ranks
}
