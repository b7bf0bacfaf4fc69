package gbdt

import "github.com/pgowl/pgowl/models/crew"

// sum is a sum of gradients. The order of additions is fixed, so it is the same in every run.
type sum struct{ g, h float64 }

func (s sum) minus(o sum) sum { return sum{s.g - o.g, s.h - o.h} }

// histogram holds the sums of one feature by bin. As an array of 256 it needs no bounds check when a byte is the index.
type histogram [maxBins]sum

// rowBlock is the least number of rows of a node that are worth a histogram of their own.
const rowBlock = 1 << 14

// rowBlocks is the number of parts in which a crew sums the rows of a node. It depends on the data alone, but for sums that are exact in any order.
func (t *trainer) rowBlocks(c *crew.Crew, rows int) int {
	groups := len(t.bins.groups)
	blocks := min((rows+rowBlock-1)/rowBlock, max(1, 32/groups))
	switch {
	case t.packed.values == nil:
		return blocks
	case c.Workers() == 1:
		return 1
	}
	return min(blocks, max(1, 4*c.Workers()/groups))
}

// build sums the gradients of rows into out, one histogram a feature. When there are several row blocks the other blocks'
// parts are for finish to add, and for release. Features that the tree may not use are left out.
func (t *trainer) build(c *crew.Crew, out []histogram, rows []int32, grads []gradient) (parts [][]histogram) {
	blocks := t.rowBlocks(c, len(rows))
	for range blocks - 1 {
		parts = append(parts, t.pool.get())
	}
	groups := len(t.bins.groups)
	c.Each(blocks*groups, len(rows)*len(t.used), func(task int) {
		block, group := task/groups, task%groups
		used := t.usedIn[group]
		if len(used) == 0 {
			return
		}
		to := out
		if block > 0 {
			to = parts[block-1]
		}
		from := group * groupWidth
		width, stride := t.bins.width(group), t.bins.stride(group)
		part := rows[len(rows)*block/blocks : len(rows)*(block+1)/blocks]
		for _, j := range used {
			to[from+int(j)] = histogram{}
		}
		if t.packed.values != nil {
			t.buildPacked(to[from:from+width], t.bins.groups[group], stride, part, used)
			return
		}
		for len(part) > 0 && !t.crew.Stopped() {
			now := part[:min(len(part), breath)]
			if len(used) == width {
				accumulate(to[from:from+width], t.bins.groups[group], stride, now, grads)
			} else {
				accumulateSome(to[from:from+width], t.bins.groups[group], stride, now, grads, used)
			}
			part = part[len(now):]
		}
	})
	return parts
}

// release gives the parts of a node back.
func (t *trainer) release(parts [][]histogram) {
	for _, part := range parts {
		t.pool.put(part)
	}
}

// accumulate adds the rows to the histograms of a whole group.
func accumulate(to []histogram, bins []uint8, stride int, rows []int32, grads []gradient) {
	width := len(to)
	if width == groupWidth {
		accumulateFull((*[groupWidth]histogram)(to), bins, rows, grads)
		return
	}
	for _, r := range rows {
		grad := grads[r]
		g, h := float64(grad.g), float64(grad.h)
		row := bins[int(r)*stride:][:width]
		for j, b := range row {
			s := &to[j][b]
			s.g += g
			s.h += h
		}
	}
}

// accumulateFull is accumulate for a group of full width, without a bounds check inside.
func accumulateFull(to *[groupWidth]histogram, bins []uint8, rows []int32, grads []gradient) {
	for _, r := range rows {
		grad := grads[r]
		g, h := float64(grad.g), float64(grad.h)
		row := (*[groupWidth]uint8)(bins[int(r)*groupWidth:])
		for j := 0; j < groupWidth; j += 4 {
			s0, s1 := &to[j][row[j]], &to[j+1][row[j+1]]
			s2, s3 := &to[j+2][row[j+2]], &to[j+3][row[j+3]]
			s0.g += g
			s0.h += h
			s1.g += g
			s1.h += h
			s2.g += g
			s2.h += h
			s3.g += g
			s3.h += h
		}
	}
}

// accumulateSome is accumulate for some features of a group.
func accumulateSome(to []histogram, bins []uint8, stride int, rows []int32, grads []gradient, used []uint8) {
	for _, r := range rows {
		grad := grads[r]
		g, h := float64(grad.g), float64(grad.h)
		row := bins[int(r)*stride:][:stride]
		for _, j := range used {
			s := &to[j][row[j]]
			s.g += g
			s.h += h
		}
	}
}

// finish completes feature f of a node that build has summed: the parts of the other row blocks are added in order and,
// where sibling is given (it holds the parent's sums), the node is subtracted from it.
func (t *trainer) finish(node, sibling []histogram, f int, parts [][]histogram) {
	feat := &t.bins.features[f]
	bins := feat.bins()
	to := &node[f]
	for _, part := range parts {
		from := &part[f]
		addBins(to[:bins], from[:bins])
		if feat.missing {
			addBins(to[missingBin:], from[missingBin:])
		}
	}
	if sibling != nil {
		subtractBins(sibling[f][:bins], to[:bins])
		if feat.missing {
			subtractBins(sibling[f][missingBin:], to[missingBin:])
		}
	}
}

func addBins(to, from []sum) {
	from = from[:len(to)]
	for i := range to {
		to[i].g += from[i].g
		to[i].h += from[i].h
	}
}

func subtractBins(from, part []sum) {
	part = part[:len(from)]
	for i := range from {
		from[i].g -= part[i].g
		from[i].h -= part[i].h
	}
}
