package nearest

import (
	"math"
	"slices"
)

// chunkBytes is how much of the tiles all queries go through before the next of it is read: as much as stays in a core's own cache.
const chunkBytes = 256 << 10

// queryGroup is the queries that go through a kernel together.
type queryGroup struct {
	kernel  kernel
	first   int // query
	n       int // queries; the kernel's others are zeros that nobody asks for
	queries []float32
}

// group divides queries among the kernels.
func group(all []*search, pairs int) []queryGroup {
	var groups []queryGroup
	for first := 0; first < len(all); {
		k := kernels[len(kernels)-1]
		for _, smaller := range kernels {
			if smaller.queries >= len(all)-first {
				k = smaller
				break
			}
		}
		g := queryGroup{kernel: k, first: first, n: min(k.queries, len(all)-first), queries: make([]float32, pairs*2*k.queries)}
		for j := range g.n {
			q := all[first+j].query
			for d, v := range q.vector {
				g.queries[d*k.queries+j] = float32(v / q.norm)
			}
		}
		groups = append(groups, g)
		first += g.n
	}
	return groups
}

// worker is one thread's part in a scan.
type worker struct {
	x       *Index
	all     []*search
	groups  []queryGroup
	kept    [][]candidate // by query: rows that may be among the best
	limit   []int         // by query: the length at which kept is pruned
	tiles   int           // of a chunk
	scores  []float32
	masks   []uint16
	least   []float32
	scratch pass
}

func newWorker(x *Index, all []*search, groups []queryGroup) *worker {
	w := &worker{x: x, all: all, groups: groups, kept: make([][]candidate, len(all)), limit: make([]int, len(all))}
	widest := 0
	for _, g := range groups {
		widest = max(widest, g.kernel.queries)
	}
	w.tiles = min(max(chunkBytes/(x.pairs*4*tileRows)/maxTiles, 1)*maxTiles, blockTiles)
	w.scores, w.masks, w.least = make([]float32, w.tiles*widest*tileRows), make([]uint16, w.tiles*widest), make([]float32, widest)
	for i, s := range all {
		w.limit[i] = 2*s.k + 64
	}
	return w
}

// block goes through a block for all queries.
func (w *worker) block(i int) {
	b := w.x.blocks[i]
	rows := min(w.x.n-i*blockRows, blockRows)
	for from := 0; from*tileRows < rows; from += w.tiles {
		tiles := min(w.tiles, (rows-from*tileRows+tileRows-1)/tileRows)
		for g := range w.groups {
			w.chunk(&w.groups[g], b, uint32(i*blockRows), from, tiles, rows)
		}
	}
}

// chunk goes through some tiles of a block, of which so many rows are in use, for a group of queries.
func (w *worker) chunk(g *queryGroup, b *block, start uint32, from, tiles, rows int) {
	queries := g.kernel.queries
	for j := range queries {
		w.least[j] = float32(math.Inf(1))
		if j < g.n {
			w.least[j] = math.Float32frombits(w.all[g.first+j].least.Load())
		}
	}
	w.scratch = pass{tiles: b.tiles[from*w.x.pairs*tileRows:], scales: b.scales[from*tileRows:], queries: g.queries, least: w.least, scores: w.scores, masks: w.masks}
	g.kernel.scan(&w.scratch, w.x.pairs, (tiles+g.kernel.tiles-1)/g.kernel.tiles)
	for t := range tiles {
		first := (from + t) * tileRows
		used := uint16(0xffff)
		if rows-first < tileRows {
			used >>= tileRows - (rows - first)
		}
		for j := range g.n {
			mask := w.masks[t*queries+j] & used
			if mask == 0 {
				continue
			}
			q := g.first + j
			eachBit(mask, func(i int) {
				w.kept[q] = append(w.kept[q], candidate{w.scores[(t*queries+j)*tileRows+i], start + uint32(first+i)})
			})
			if len(w.kept[q]) >= w.limit[q] {
				w.prune(q)
			}
		}
	}
}

// prune forgets the candidates that are not among the best any more, and tells all threads what it takes.
func (w *worker) prune(q int) {
	s := w.all[q]
	kept, least := prune(w.kept[q], s.k, s.slack)
	for {
		known := s.least.Load()
		if other := math.Float32frombits(known); other >= least {
			// Another thread knows better.
			kept = slices.DeleteFunc(kept, func(c candidate) bool { return c.score < other })
			break
		}
		if s.least.CompareAndSwap(known, math.Float32bits(least)) {
			break
		}
	}
	w.kept[q], w.limit[q] = kept, max(2*len(kept), 2*s.k)+64
}
