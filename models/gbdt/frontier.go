package gbdt

import "container/heap"

// open is a leaf that has a split worth making.
type open struct {
	node     int32
	depth    int
	from, to int // its rows, in trainer.rows
	split    split
	output   float64     // its value before the learning rate, where the trainer has rules of its own
	idle     []bool      // the same: by feature, that it won nothing here or above, and is not tried any more
	hist     []histogram // nil when it was given up for want of memory

	// with constraints
	limits, outer limits  // of the node and of its parent
	path          []int32 // features of the splits above
}

// frontier says which open leaf is split next.
type frontier struct {
	order func(a, b *open) bool // nil: the last one in comes out first
	items []*open
}

// newFrontier follows the grow policy. Level by level matters only when the number of leaves is limited; otherwise the
// tree is the same in any order, and going down first needs the fewest histograms at a time.
func newFrontier(p *params) *frontier {
	switch {
	case p.lossGuide:
		return &frontier{order: func(a, b *open) bool {
			if a.split.gain != b.split.gain {
				return a.split.gain > b.split.gain
			}
			return a.node < b.node
		}}
	case p.maxLeaves > 0:
		return &frontier{order: func(a, b *open) bool {
			if a.depth != b.depth {
				return a.depth < b.depth
			}
			return a.node < b.node
		}}
	}
	return &frontier{}
}

func (f *frontier) Len() int           { return len(f.items) }
func (f *frontier) Less(i, j int) bool { return f.order(f.items[i], f.items[j]) }
func (f *frontier) Swap(i, j int)      { f.items[i], f.items[j] = f.items[j], f.items[i] }
func (f *frontier) Push(x any)         { f.items = append(f.items, x.(*open)) }
func (f *frontier) Pop() any {
	x := f.items[len(f.items)-1]
	f.items = f.items[:len(f.items)-1]
	return x
}

func (f *frontier) add(o *open) {
	if f.order == nil {
		f.Push(o)
		return
	}
	heap.Push(f, o)
}

// next returns nil when there is none left.
func (f *frontier) next() *open {
	if len(f.items) == 0 {
		return nil
	}
	if f.order == nil {
		return f.Pop().(*open)
	}
	return heap.Pop(f).(*open)
}
