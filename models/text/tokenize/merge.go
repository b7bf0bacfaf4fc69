package tokenize

import "math/bits"

// symbol is a part of a word. length is 0 once it has been joined to the one before it.
type symbol struct {
	id         int32
	length     int32
	prev, next int32 // for long words: the neighbours, -1 at the ends
}

// mergeTable holds for pairs of symbols when they are joined, and to what. It is a hash table with open addressing.
type mergeTable struct {
	entries []mergeEntry
	shift   int
}

type mergeEntry struct {
	pair uint64 // the ids plus 1, so that 0 is an empty entry
	rank int32
	id   int32
}

func newMergeTable(n int) mergeTable {
	size := bits.Len(uint(2*n + 1))
	return mergeTable{entries: make([]mergeEntry, 1<<size), shift: 64 - size}
}

func pairOf(a, b int32) uint64 { return uint64(uint32(a)+1)<<32 | uint64(uint32(b)+1) }

// slot is where a pair is or would be.
func (t *mergeTable) slot(pair uint64) *mergeEntry {
	for i := pair * 0x9e3779b97f4a7c15 >> t.shift; ; i = (i + 1) & uint64(len(t.entries)-1) {
		if e := &t.entries[i]; e.pair == pair || e.pair == 0 {
			return e
		}
	}
}

// put sets a pair's merge; the last one counts.
func (t *mergeTable) put(a, b, rank, id int32) {
	e := t.slot(pairOf(a, b))
	*e = mergeEntry{pairOf(a, b), rank, id}
}

const noRank = 1<<31 - 1

func (t *mergeTable) rank(a, b int32) (rank, id int32) {
	if e := t.slot(pairOf(a, b)); e.pair != 0 {
		return e.rank, e.id
	}
	return noRank, 0
}

// shortWord is the number of symbols up to which looking at every pair for each merge is faster than a queue.
const shortWord = 32

// short joins the pairs of a short word.
func (t *mergeTable) short(s *scratch) {
	symbols := s.symbols
	n := len(symbols)
	var ranks, joined [shortWord]int32 // of the pair that each symbol is the first of
	for i := 0; i+1 < n; i++ {
		ranks[i], joined[i] = t.rank(symbols[i].id, symbols[i+1].id)
	}
	for n > 1 {
		best, at := int32(noRank), 0
		for i, r := range ranks[:n-1] {
			if r < best {
				best, at = r, i
			}
		}
		if best == noRank {
			break
		}
		symbols[at].id = joined[at]
		symbols[at].length += symbols[at+1].length
		copy(symbols[at+1:n], symbols[at+2:n])
		copy(ranks[at:n-1], ranks[at+1:n-1])
		copy(joined[at:n-1], joined[at+1:n-1])
		n--
		if at > 0 {
			ranks[at-1], joined[at-1] = t.rank(symbols[at-1].id, symbols[at].id)
		}
		if at+1 < n {
			ranks[at], joined[at] = t.rank(symbols[at].id, symbols[at+1].id)
		}
	}
	s.symbols = symbols[:n]
}

// candidate is a pair that may be joined, by its rank and then its place: the smaller one first.
type candidate struct {
	rank, at, id int32
}

func (c candidate) before(d candidate) bool {
	return c.rank < d.rank || c.rank == d.rank && c.at < d.at
}

// mergeQueue is a heap of candidates.
type mergeQueue []candidate

func (q *mergeQueue) push(c candidate) {
	h := append(*q, c)
	i := len(h) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if !h[i].before(h[parent]) {
			break
		}
		h[i], h[parent] = h[parent], h[i]
		i = parent
	}
	*q = h
}

func (q *mergeQueue) pop() candidate {
	h := *q
	top := h[0]
	last := len(h) - 1
	h[0] = h[last]
	h = h[:last]
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if child+1 < len(h) && h[child+1].before(h[child]) {
			child++
		}
		if !h[child].before(h[i]) {
			break
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
	*q = h
	return top
}

// long joins the pairs of a word of any length in n log n.
func (t *mergeTable) long(s *scratch) {
	symbols := s.symbols
	q := s.queue[:0]
	try := func(at int32) {
		if at < 0 || symbols[at].next < 0 {
			return
		}
		if rank, id := t.rank(symbols[at].id, symbols[symbols[at].next].id); rank != noRank {
			q.push(candidate{rank, at, id})
		}
	}
	for i := range symbols {
		symbols[i].prev, symbols[i].next = int32(i)-1, int32(i)+1
	}
	symbols[len(symbols)-1].next = -1
	for i := range symbols {
		try(int32(i))
	}
	for len(q) > 0 {
		c := q.pop()
		left := &symbols[c.at]
		if left.length == 0 || left.next < 0 {
			continue
		}
		right := &symbols[left.next]
		if rank, id := t.rank(left.id, right.id); rank == noRank || id != c.id {
			continue // one of the two has been joined to something else meanwhile
		}
		left.id = c.id
		left.length += right.length
		left.next = right.next
		right.length = 0
		if left.next >= 0 {
			symbols[left.next].prev = c.at
		}
		try(left.prev)
		try(c.at)
	}
	s.queue = q
}
