package gbdt

import (
	"cmp"
	"math"
	"slices"
)

// bag says which rows a tree is grown from. The zero value is all of them.
type bag struct {
	share              float64 // of the rows, 0 is all
	negative, positive float64 // of the rows of each of two classes, in place of share; 0 is not in use
	every              int     // rounds for which the same rows are kept
	exact              bool    // that share to the row, not on average
	// goss keeps the share top of the rows, those with the largest gradients, and other of the rest, which count for more; not in the first rounds.
	goss       bool
	top, other float64
	gossFrom   int
}

// draw fills t.rows for a round, and returns the gradients to use, one array a group.
func (b *bag) draw(t *trainer, round int, seed uint64) [][]gradient {
	if b.goss && round >= b.gossFrom {
		return b.drawGoss(t, uint64(round), seed)
	}
	if round > 0 && b.share > 0 && b.every > 1 && round%b.every != 0 {
		round -= round % b.every // growing has moved the rows about
	}
	t.rows = t.rows[:0]
	switch {
	case b.share == 0 && b.positive == 0 && b.negative == 0:
		for r := range t.data.Rows {
			t.rows = append(t.rows, int32(r))
		}
	case b.exact:
		keys := make([]uint64, t.data.Rows)
		for r := range keys {
			keys[r] = draw(seed, drawBag, uint64(round), uint64(r))
			t.rows = append(t.rows, int32(r))
		}
		slices.SortFunc(t.rows, func(a, b int32) int { return cmp.Or(cmp.Compare(keys[a], keys[b]), cmp.Compare(a, b)) })
		t.rows = t.rows[:max(1, int(b.share*float64(len(t.rows))))]
		slices.Sort(t.rows)
	default:
		for r := range t.data.Rows {
			share := b.share
			if b.positive > 0 {
				share = b.negative
				if t.data.Y[r] > 0 {
					share = b.positive
				}
			}
			if unit(draw(seed, drawBag, uint64(round), uint64(r))) < share {
				t.rows = append(t.rows, int32(r))
			}
		}
	}
	return t.grads
}

// drawGoss is gradient-based one-side sampling (LightGBM's GOSSStrategy): rows by the size of g*h over all groups.
func (b *bag) drawGoss(t *trainer, round, seed uint64) [][]gradient {
	n := t.data.Rows
	size := make([]float32, n)
	for r := range size {
		for k := range t.grads {
			g := t.grads[k][r]
			size[r] += float32(math.Abs(float64(g.g * g.h)))
		}
	}
	top, other := max(1, int(b.top*float64(n))), max(1, int(b.other*float64(n)))
	sorted := slices.Clone(size)
	slices.Sort(sorted)
	bar := sorted[n-min(top, n)]
	more := float32(n-top) / float32(other)
	rest := 0
	for _, s := range size {
		if s < bar {
			rest++
		}
	}
	share := float64(other) / float64(max(rest, 1))
	scaled := make([][]gradient, len(t.grads))
	for k := range scaled {
		scaled[k] = slices.Clone(t.grads[k])
	}
	t.rows = t.rows[:0]
	for r, s := range size {
		if s < bar {
			if unit(draw(seed, drawGoss, round, uint64(r))) >= share {
				continue
			}
			for k := range scaled {
				scaled[k][r].g *= more
				scaled[k][r].h *= more
			}
		}
		t.rows = append(t.rows, int32(r))
	}
	return scaled
}
