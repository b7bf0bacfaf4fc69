package gbdt

import (
	"math"
	"slices"
)

// bagBlock is the number of rows that share a generator in LightGBM's bagging.
const bagBlock = 1024

// lightBag is LightGBM's bagging: a share of all rows, or of the rows of each of two classes, which is kept for some rounds.
type lightBag struct {
	share              float64
	negative, positive float64 // in place of share; 0 is not in use
	every              int     // rounds
	seed               uint32
	randoms            []lightRandom
	rows               []int32
}

// randomBlocks are the generators of all rows.
func randomBlocks(rows int, seed uint32) []lightRandom {
	out := make([]lightRandom, (rows+bagBlock-1)/bagBlock)
	for i := range out {
		out[i] = lightRandom(seed + uint32(i))
	}
	return out
}

func (b *lightBag) draw(t *trainer, round int) [][]gradient {
	if b.randoms == nil {
		b.randoms = randomBlocks(t.data.Rows, b.seed)
	}
	if b.rows == nil || round%b.every == 0 {
		b.rows = b.rows[:0]
		for r := range t.data.Rows {
			share := b.share
			if b.positive > 0 {
				share = b.negative
				if t.data.Y[r] > 0 {
					share = b.positive
				}
			}
			if b.randoms[r/bagBlock].float() < share {
				b.rows = append(b.rows, int32(r))
			}
		}
	}
	t.rows = append(t.rows[:0], b.rows...)
	return t.grads
}

// goss is gradient-based one-side sampling (LightGBM's GOSSStrategy): it keeps the share top of the rows, those with the largest gradients, and other of the
// rest, which count for more. The first rounds have all rows.
type goss struct {
	top, other float64
	from       int // round
	seed       uint32
	randoms    []lightRandom
}

// draw scales the gradients of the rest in place, as LightGBM does: a random forest, which computes them once, scales them again and again.
func (g *goss) draw(t *trainer, round int) [][]gradient {
	if round < g.from {
		return allRows{}.draw(t, round)
	}
	n := t.data.Rows
	if g.randoms == nil {
		g.randoms = randomBlocks(n, g.seed)
	}
	size := make([]float32, n)
	for r := range size {
		for k := range t.grads {
			v := t.grads[k][r]
			size[r] += float32(math.Abs(float64(v.g * v.h)))
		}
	}
	top, other := max(1, int(g.top*float64(n))), int(g.other*float64(n))
	sorted := slices.Clone(size)
	slices.Sort(sorted)
	bar := sorted[n-top]
	more := float32(n-top) / float32(other)
	large, drawn := 0, 0
	t.rows = t.rows[:0]
	for r, s := range size {
		if s >= bar {
			large++
			t.rows = append(t.rows, int32(r))
			continue
		}
		chance := float64(other-drawn) / float64(n-r-(top-large))
		if g.randoms[r/bagBlock].float() >= chance {
			continue
		}
		drawn++
		t.rows = append(t.rows, int32(r))
		for k := range t.grads {
			v := &t.grads[k][r]
			v.g *= more
			v.h *= more
		}
	}
	return t.grads
}
