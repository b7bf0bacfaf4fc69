package tokenize

import (
	"bytes"
	"sort"
)

// trie finds the pieces of a vocabulary that a text begins with. A node's children stand side by side, in the order of their bytes.
type trie struct {
	label []byte   // of the way to each node
	first []uint32 // of each node, its first child; they end where the next node's begin
	ids   []int32  // the piece that ends at a node, else -1
	root  [256]int32
}

const trieRoot = uint32(0)

type triePiece struct {
	text string
	id   int32
}

// newTrie makes a trie of different pieces.
func newTrie(pieces []triePiece) *trie {
	sort.Slice(pieces, func(i, j int) bool { return pieces[i].text < pieces[j].text })
	t := &trie{label: []byte{0}, ids: []int32{-1}}
	// By breadth, so that children stand together: level holds the pieces below each node of a depth.
	type group struct{ from, to int }
	level := []group{{0, len(pieces)}}
	if len(pieces) > 0 && pieces[0].text == "" {
		level[0].from = 1 // the empty piece is never used
	}
	for depth := 0; len(level) > 0; depth++ {
		var below []group
		for _, g := range level {
			t.first = append(t.first, uint32(len(t.label)))
			for i := g.from; i < g.to; {
				c := pieces[i].text[depth]
				end := i
				for end < g.to && pieces[end].text[depth] == c {
					end++
				}
				id := int32(-1)
				if len(pieces[i].text) == depth+1 {
					id = pieces[i].id
				}
				t.label, t.ids = append(t.label, c), append(t.ids, id)
				if id >= 0 {
					i++
				}
				below = append(below, group{i, end})
				i = end
			}
		}
		level = below
	}
	t.first = append(t.first, uint32(len(t.label)))
	for c := range t.root {
		t.root[c] = -1
	}
	for n := t.first[0]; n < t.first[1]; n++ {
		t.root[t.label[n]] = int32(n)
	}
	return t
}

// child is the node that a byte leads to.
func (t *trie) child(node uint32, c byte) (uint32, bool) {
	if node == trieRoot {
		return uint32(t.root[c]), t.root[c] >= 0
	}
	first, end := t.first[node], t.first[node+1]
	if end-first <= 8 {
		for n := first; n < end; n++ {
			if t.label[n] == c {
				return n, true
			}
		}
		return 0, false
	}
	labels := t.label[first:end]
	lo, hi := 0, len(labels)
	if len(labels) > 64 { // nearly all bytes are there
		if i := bytes.IndexByte(labels, c); i >= 0 {
			return first + uint32(i), true
		}
		return 0, false
	}
	for lo < hi {
		if mid := (lo + hi) / 2; labels[mid] < c {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return first + uint32(lo), lo < len(labels) && labels[lo] == c
}
