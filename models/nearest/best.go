package nearest

import (
	"cmp"
	"container/heap"
	"slices"
)

// Found is a row and its cosine with the query.
type Found struct {
	Row    int64
	Cosine float64
}

// compare orders what was found: the best first, ties by the row's number.
func compare(a, b Found) int {
	if c := cmp.Compare(b.Cosine, a.Cosine); c != 0 {
		return c
	}
	return cmp.Compare(a.Row, b.Row)
}

// Best keeps the k best of the rows that are added one by one, for tables that are not kept in memory.
type Best struct {
	query Query
	k     int
	found worstFirst
}

// NewBest begins with none. k is 1 or more.
func NewBest(q Query, k int) *Best { return &Best{query: q, k: k} }

// Add looks at a row with as many dimensions as the query has. It keeps nothing of the vector.
func (b *Best) Add(row int64, vector []float32) {
	f := Found{row, b.query.Cosine(vector)}
	switch {
	case f.Cosine != f.Cosine: // NaN
	case len(b.found) < b.k:
		heap.Push(&b.found, f)
	case compare(f, b.found[0]) < 0:
		b.found[0] = f
		heap.Fix(&b.found, 0)
	}
}

// Found gives the best rows, in order.
func (b *Best) Found() []Found {
	all := slices.Clone([]Found(b.found))
	slices.SortFunc(all, compare)
	return all
}

// Among is Search for some rows alone, by their numbers; those that are not there are left out.
func (x *Index) Among(queries []Query, k int, rows []int64) [][]Found {
	best := make([]*Best, len(queries))
	for i, q := range queries {
		best[i] = NewBest(q, k)
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	var vector []float32
	for _, row := range rows {
		if at, ok := x.at[row]; ok {
			vector = x.vector(at, vector)
		} else if v, ok := x.odd[row]; ok {
			vector = append(vector[:0], v...)
		} else {
			continue
		}
		for _, b := range best {
			b.Add(row, vector)
		}
	}
	found := make([][]Found, len(best))
	for i, b := range best {
		found[i] = b.Found()
	}
	return found
}

type worstFirst []Found

func (w worstFirst) Len() int           { return len(w) }
func (w worstFirst) Less(i, j int) bool { return compare(w[i], w[j]) > 0 }
func (w worstFirst) Swap(i, j int)      { w[i], w[j] = w[j], w[i] }
func (w *worstFirst) Push(x any)        { *w = append(*w, x.(Found)) }
func (w *worstFirst) Pop() any {
	last := len(*w) - 1
	x := (*w)[last]
	*w = (*w)[:last]
	return x
}
