package gbdt

import (
	"container/heap"
	"context"
	"math"
)

// leastCatGain is what a split must gain by CatBoost's score (GreedyTensorSearchDepthwise, GreedyTensorSearchLossguide).
const leastCatGain = 1e-9

// grownNode is a node of a tree that is not symmetric. Its children lie side by side; without them it is a leaf.
type grownNode struct {
	obliviousSplit
	left  int32 // 0: a leaf
	place uint16
}

// openCell is a leaf that may be split.
type openCell struct {
	cell
	node, depth int
	best        obliviousSplit
	gain        float64
}

// openCells is a heap, the largest gain first.
type openCells []*openCell

func (h openCells) Len() int { return len(h) }
func (h openCells) Less(i, j int) bool {
	if h[i].gain != h[j].gain {
		return h[i].gain > h[j].gain
	}
	return h[i].node < h[j].node
}
func (h openCells) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *openCells) Push(x any)   { *h = append(*h, x.(*openCell)) }
func (h *openCells) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// growLeaves grows a tree in which each node has a split of its own: level by level (Depthwise), or always the leaf that gains most (Lossguide).
func (o *oblivious) growLeaves(ctx context.Context, number uint64, byGain bool) ([]grownNode, error) {
	nodes := []grownNode{{}}
	leaves := 1
	split := func(c *openCell) (left, right *openCell) {
		at := len(nodes)
		nodes[c.node].obliviousSplit, nodes[c.node].left = c.best, int32(at)
		nodes = append(nodes, grownNode{}, grownNode{})
		leaves++
		l, r := o.divide(o.t.crew, c.cell, &c.best.split, c.depth+1 < o.depth)
		return &openCell{cell: l, node: at, depth: c.depth + 1}, &openCell{cell: r, node: at + 1, depth: c.depth + 1}
	}
	root := &openCell{cell: o.root(number)}
	if byGain {
		var queue openCells
		add := func(c *openCell) {
			if o.look(c, o.allowed(c.node)) {
				heap.Push(&queue, c)
			}
		}
		add(root)
		for len(queue) > 0 && leaves < o.maxLeaves && !o.t.crew.Stopped() {
			left, right := split(heap.Pop(&queue).(*openCell))
			add(left)
			add(right)
		}
		for _, c := range queue {
			o.release([]cell{c.cell})
		}
	} else {
		level := []*openCell{root}
		for depth := 0; len(level) > 0 && !o.t.crew.Stopped(); depth++ {
			set := o.allowed(depth)
			var next []*openCell
			for _, c := range level {
				if o.look(c, set) {
					left, right := split(c)
					next = append(next, left, right)
				}
			}
			level = next
		}
	}
	if o.t.crew.Stopped() {
		return nil, context.Cause(ctx)
	}
	place := uint16(0)
	for i := range nodes {
		if nodes[i].left == 0 {
			nodes[i].place = place
			place++
		}
	}
	return nodes, nil
}

// look finds the best split of a leaf. If there is none its histograms are given back.
func (o *oblivious) look(c *openCell, set []int32) bool {
	if c.depth < o.depth && c.to-c.from >= max(1, o.minData) {
		c.best = o.search([]cell{c.cell}, set, c.node, nil)
		c.gain = c.best.score - o.alone(c.cell)
		if c.best.feature >= 0 && c.gain >= leastCatGain {
			c.best.gain = c.gain
			return true
		}
	}
	o.release([]cell{c.cell})
	return false
}

// alone is the score of a leaf that is not split.
func (o *oblivious) alone(c cell) float64 {
	above, below := 0.0, 0.0
	for _, s := range c.sums {
		o.add(s, &above, &below)
	}
	if o.plain {
		return above
	}
	return above / math.Sqrt(max(below, 1e-100))
}
