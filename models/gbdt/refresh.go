package gbdt

import "slices"

// refresh sets the leaves of a tree that was grown from a sample, and the statistics of its nodes, to those of all rows that are not held out
// (XGBoost's updater refresh).
func (t *trainer) refresh(grown *tree, grads []gradient) {
	// A copy whose leaves hold their numbers, so that its value for a row is the leaf that the row ends in.
	numbered := tree{nodes: slices.Clone(grown.nodes)}
	for i := range numbered.nodes {
		if numbered.nodes[i].feature == leaf {
			numbered.nodes[i].value = float32(i)
		}
	}
	if len(numbered.nodes) > 1<<24 { // beyond it a float32 skips numbers
		return
	}
	at := make([]int32, t.data.Rows)
	t.eachRow(20, func(from, to int) {
		for r := from; r < to; r++ {
			at[r] = int32(numbered.value(t.data.Row(r)))
		}
	})
	if t.crew.Stopped() {
		return
	}
	sums, rows := make([]sum, len(grown.nodes)), make([]int, len(grown.nodes))
	for r, n := range at {
		if !t.held.has(r) {
			sums[n].g += float64(grads[r].g)
			sums[n].h += float64(grads[r].h)
			rows[n]++
		}
	}
	for i := len(grown.nodes) - 1; i >= 0; i-- { // children come after their parents
		n, gain := &grown.nodes[i], float32(0)
		if n.feature == leaf {
			n.value = t.leafValue(sums[i], noLimits)
		} else {
			l, r := sums[n.left], sums[n.left+1]
			sums[i] = sum{l.g + r.g, l.h + r.h}
			rows[i] = rows[n.left] + rows[n.left+1]
			gain = t.params.score(l) + t.params.score(r) - t.params.score(sums[i])
		}
		grown.stats[i] = covered(sums[i], rows[i])
		grown.stats[i].gain = gain
	}
}
