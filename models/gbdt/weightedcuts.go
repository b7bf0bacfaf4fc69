package gbdt

import "slices"

// ranks ranks the values of a column by the weights of their rows. There is one value at least.
func (s *sampler) ranks(column []float32) []rank {
	n := len(column)
	row := func(i int) int32 { return int32(i) }
	if s.rows != nil {
		n, row = len(s.rows), func(i int) int32 { return s.rows[i] }
	}
	sorted := make([]uint64, 0, n) // the sort key of a value, and its row
	for i := range n {
		r := row(i)
		if v := column[r]; v == v {
			sorted = append(sorted, uint64(key(v+0))<<32|uint64(r)) // -0 sorts as 0
		}
	}
	slices.Sort(sorted)
	ranks := make([]rank, 0, min(len(sorted), 4096))
	below := 0.0
	for i := 0; i < len(sorted); {
		upTo, k := below, sorted[i]>>32
		for ; i < len(sorted) && sorted[i]>>32 == k; i++ {
			upTo += float64(s.weights[uint32(sorted[i])])
		}
		ranks = append(ranks, rank{unkey(uint32(k)), float32(below), float32(upTo)})
		below = upTo
	}
	return ranks
}
