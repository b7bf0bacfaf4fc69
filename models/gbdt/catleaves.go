package gbdt

import "math"

// leaves computes the values of all leaves, [leaf][group], after the learning rate, adds them to the margins, and returns the statistics of the leaves. f.places
// has each row's leaf: what a tree was grown from may have been a part of the rows.
func (f *catFit) leaves(n int) (values [][]float64, stats []stat) {
	stats = f.count(n)
	if f.t.crew.Stopped() {
		return nil, nil
	}
	loss, point := f.loss.(*pointLoss)
	switch {
	case f.p.catting.leafMethod == "Exact":
		values = f.exactLeaves(n, stats)
	case point && f.logistic():
		values = f.logisticLeaves(n)
	case point:
		values = f.pointLeaves(n, loss)
	default:
		values = f.softmaxLeaves(n, stats)
	}
	f.reach = 0
	for _, v := range values {
		total := 0.0
		for k := range v {
			v[k] = float64(float32(v[k] * f.p.eta))
			total += v[k] * v[k]
		}
		f.reach += math.Sqrt(total) / float64(n)
	}
	f.each(2*f.groups, func(from, to int) {
		for k, margins := range f.margins {
			for r, place := range f.places[from:to] {
				margins[from+r] += values[place][k]
			}
		}
	})
	return values, stats
}

// leafBlock is the number of rows that are summed together.
const leafBlock = 1 << 15

// maxLeafSums is the number of sums that all blocks may have.
const maxLeafSums = 1 << 22

// sums adds up width numbers a leaf. add does it for the rows from from to to-1. The number of parts depends on the data and the tree alone.
func (f *catFit) sums(leaves, width, cost int, add func(out []float64, from, to int)) []float64 {
	rows := f.t.data.Rows
	blocks := max(1, min((rows+leafBlock-1)/leafBlock, maxLeafSums/(leaves*width)))
	parts := make([][]float64, blocks)
	f.t.crew.Each(blocks, rows*cost, func(b int) {
		out := make([]float64, leaves*width)
		for from, end := rows*b/blocks, rows*(b+1)/blocks; from < end && !f.t.crew.Stopped(); from += leafBlock {
			add(out, from, min(from+leafBlock, end))
		}
		parts[b] = out
	})
	if f.t.crew.Stopped() {
		return make([]float64, leaves*width)
	}
	for _, part := range parts[1:] {
		for i, x := range part {
			parts[0][i] += x
		}
	}
	return parts[0]
}

// count takes the numbers of rows of the leaves, and their weights.
func (f *catFit) count(n int) []stat {
	if f.weights == nil {
		rows := f.sums(n, 1, 1, func(out []float64, from, to int) {
			for _, place := range f.places[from:to] {
				out[place]++
			}
		})
		stats := make([]stat, n)
		for i, c := range rows {
			stats[i] = stat{cover: float32(c), rows: uint32(c)}
		}
		return stats
	}
	both := f.sums(n, 2, 2, func(out []float64, from, to int) {
		for r, place := range f.places[from:to] {
			out[2*int(place)]++
			out[2*int(place)+1] += float64(f.weights[from+r])
		}
	})
	stats := make([]stat, n)
	for i := range stats {
		stats[i] = stat{cover: float32(both[2*i+1]), rows: uint32(both[2*i])}
	}
	return stats
}

// pointLeaves takes the steps of leaves of one margin. A step after which the loss is not less is taken back and tried at half its length, which counts as one
// of the steps (CatBoost's leaf_estimation_backtracking AnyImprovement).
func (f *catFit) pointLeaves(n int, loss *pointLoss) [][]float64 {
	c := &f.p.catting
	values, steps, before := make([]float64, n), make([]float64, n), make([]float64, n)
	least, scale := math.Inf(1), 1.0
	careful := c.leafIterations > 1 && !c.noBacktracking
	if careful {
		least = f.lossWith(values, loss)
	}
	for i := 0; i < c.leafIterations && !f.t.crew.Stopped(); i++ {
		if scale == 1 {
			f.pointSteps(steps, values, loss)
			copy(before, values)
		}
		for j := range values {
			values[j] = before[j] + scale*steps[j]
		}
		if !careful {
			continue
		}
		if now := f.lossWith(values, loss); now < least {
			least, scale = now, 1
			continue
		}
		copy(values, before)
		scale /= 2
	}
	out := make([][]float64, n)
	for i, v := range values {
		out[i] = []float64{v}
	}
	return out
}

// pointSteps writes the next step of each leaf.
func (f *catFit) pointSteps(steps, values []float64, loss *pointLoss) {
	margins, y, flat := f.margins[0], f.t.data.Y, f.p.catting.leafMethod == "Gradient"
	sums := f.sums(len(steps), 2, 20, func(out []float64, from, to int) {
		for r := from; r < to; r++ {
			place := int(f.places[r])
			w := float64(f.weight(r))
			g, h := loss.slope(margins[r]+values[place], float64(y[r]))
			if flat {
				h = 1
			}
			out[2*place] += w * g
			out[2*place+1] += w * h
		}
	})
	to, weights := make([]float64, len(steps)), make([]float64, len(steps))
	for i := range steps {
		steps[i] = 0
		if weights[i] = sums[2*i+1] + f.l2; weights[i] > 0 {
			steps[i] = -sums[2*i] / weights[i]
		}
		to[i] = values[i] + steps[i]
	}
	for _, chain := range f.chains {
		rise(to, weights, chain)
	}
	for i := range steps {
		if f.chains != nil {
			steps[i] = to[i] - values[i]
		}
	}
}

// lossWith is the loss of all rows with these values of the leaves.
func (f *catFit) lossWith(values []float64, loss *pointLoss) float64 {
	return f.sums(1, 1, 20, func(out []float64, from, to int) {
		for r := from; r < to; r++ {
			out[0] += float64(f.weight(r)) * loss.value(f.margins[0][r]+values[f.places[r]], float64(f.t.data.Y[r]))
		}
	})[0]
}

// byLeaf sorts the rows by leaf into f.t.rows, each leaf's in ascending order, and returns where each leaf begins, and the end.
func (f *catFit) byLeaf(stats []stat) []int {
	begins := make([]int, len(stats)+1)
	for i, s := range stats {
		begins[i+1] = begins[i] + int(s.rows)
	}
	rows, at := f.t.rows[:len(f.places)], append([]int(nil), begins...)
	for r, place := range f.places {
		rows[at[place]] = int32(r)
		at[place]++
	}
	return begins
}

// exactLeaves gives each leaf its best value. As in CatBoost, the rows of a leaf weigh the same there.
func (f *catFit) exactLeaves(n int, stats []stat) [][]float64 {
	c := &f.p.catting
	begins, best := f.byLeaf(stats), catLossRules[c.loss.name].best
	values := make([][]float64, n)
	f.t.crew.Each(n, f.t.data.Rows*40, func(i int) {
		rows := f.t.rows[:cap(f.t.rows)][begins[i]:begins[i+1]]
		residuals := make([]float32, len(rows))
		for j, r := range rows {
			residuals[j] = float32(float64(f.t.data.Y[r]) - f.margins[0][r])
		}
		if len(rows) > 0 {
			values[i] = []float64{best(c.loss.values, residuals, nil)}
		}
	})
	return filled(values, 1)
}

// filled puts zeros where leaves have no rows, or the fit was stopped.
func filled(values [][]float64, groups int) [][]float64 {
	for i := range values {
		if values[i] == nil {
			values[i] = make([]float64, groups)
		}
	}
	return values
}
