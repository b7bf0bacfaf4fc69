package gbdt

import "container/heap"

// open is a leaf that has a split worth making.
type open struct {
	node     int32
	depth    int
	from, to int    // its rows, in trainer.rows
	place    uint64 // of the node in the tree, 1 for the root, 2p and 2p+1 for the children of p; wraps around below a depth of 63
	split    split
	output   float64     // its value before the learning rate, where the trainer has rules of its own
	idle     []bool      // the same: by feature, that it won nothing here or above, and is not tried any more
	hist     []histogram // nil when it was given up for want of memory

	may []bool // features that it may be split by, nil: all

	// with constraints
	limits, outer limits  // of the node and of its parent
	path          []int32 // features of the splits above
	bounds        bounds  // in place of limits, where the trainer has rules of its own

	// once its split has been carried out
	expanded    bool
	left, right *open // nil: all rows were on one side
}

// frontier says which open leaf is split next.
type frontier struct {
	order  func(a, b *open) bool // nil: any will do
	items  []*open
	chosen []*open // without an order: those that come next
}

// newFrontier follows the grow policy. Level by level matters only when the number of leaves is limited; otherwise the
// tree is the same in any order, and going down first needs few histograms at a time.
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
	if len(f.chosen) > 0 {
		o := f.chosen[0]
		f.chosen = f.chosen[1:]
		return o
	}
	if len(f.items) == 0 {
		return nil
	}
	if f.order == nil {
		return f.Pop().(*open)
	}
	return heap.Pop(f).(*open)
}

// ahead is o, which has just come out, and those that will probably come next, n at most, as far as they have not been expanded. They stay among the open ones.
func (f *frontier) ahead(o *open, n int) []*open {
	next := []*open{o}
	if f.order == nil {
		for len(next) < n && len(f.items) > 0 {
			next = append(next, f.Pop().(*open))
		}
		f.chosen = append(f.chosen, next[1:]...)
		return next
	}
	var seen []*open
	for len(next) < n && len(seen) < 2*n && len(f.items) > 0 {
		x := heap.Pop(f).(*open)
		if seen = append(seen, x); !x.expanded {
			next = append(next, x)
		}
	}
	for _, x := range seen {
		heap.Push(f, x)
	}
	return next
}
