package gbdt

import (
	"cmp"
	"slices"
)

// bagger says which rows a tree is grown from.
type bagger interface {
	// draw fills t.rows for a round, in ascending order, and returns the gradients to use, one array a group. It is called once a round.
	draw(t *trainer, round int) [][]gradient
}

var _, _, _, _ bagger = allRows{}, exactBag{}, (*lightBag)(nil), (*goss)(nil)

// allRows leaves none out.
type allRows struct{}

func (allRows) draw(t *trainer, _ int) [][]gradient {
	t.rows = t.rows[:0]
	for r := range t.data.Rows {
		t.rows = append(t.rows, int32(r))
	}
	return t.grads
}

// exactBag is a share of the rows, to the row and not on average (scikit-learn).
type exactBag struct {
	share float64
	seed  uint64
}

func (b exactBag) draw(t *trainer, round int) [][]gradient {
	grads := allRows{}.draw(t, round)
	keys := make([]uint64, t.data.Rows)
	for r := range keys {
		keys[r] = draw(b.seed, drawBag, uint64(round), uint64(r))
	}
	slices.SortFunc(t.rows, func(a, b int32) int { return cmp.Or(cmp.Compare(keys[a], keys[b]), cmp.Compare(a, b)) })
	t.rows = t.rows[:max(1, int(b.share*float64(len(t.rows))))]
	slices.Sort(t.rows)
	return grads
}
