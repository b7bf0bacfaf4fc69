package tokenize

import "unicode/utf8"

// unigram splits a word into the pieces whose scores have the greatest sum (Kudo, "Subword Regularization"), as SentencePiece does.
type unigram struct {
	ids     map[string]int32
	scores  []float64 // by id
	trie    *trie
	entries int
	unknown int32
	penalty float64     // the score of an unknown character
	bytes   *[256]int32 // what the bytes of an unknown part become; nil: nothing
}

// unknownPenalty is how much worse than the worst piece an unknown character is.
const unknownPenalty = 10

func (m *unigram) id(token string) (int32, bool) {
	id, ok := m.ids[token]
	return id, ok
}

func (m *unigram) size() int { return m.entries }

// bestPath is the best way to a place in a word: its last piece and the sum of its scores.
type bestPath struct {
	score float64
	start int32 // where the last piece begins; -1: no way here yet
	id    int32
}

func (m *unigram) append(p *pieces, word []byte, s *scratch) {
	place, found := s.cache.get(p, word)
	if found {
		return
	}
	begin := len(p.ids)
	m.viterbi(p, word, s)
	place.put(word, p.ids[begin:])
}

func (m *unigram) viterbi(p *pieces, word []byte, s *scratch) {
	if cap(s.best) < len(word)+1 {
		s.best = make([]bestPath, len(word)+1, 2*len(word)+1)
	}
	best := s.best[:len(word)+1]
	for i := range best {
		best[i] = bestPath{start: -1}
	}
	try := func(at, end int, id int32, score float64) {
		score += best[at].score
		if b := &best[end]; b.start < 0 || score > b.score {
			*b = bestPath{score, int32(at), id}
		}
	}
	for at := 0; at < len(word); {
		_, size := utf8.DecodeRune(word[at:])
		single := false
		node := trieRoot
		for end := at; end < len(word); {
			var ok bool
			if node, ok = m.trie.child(node, word[end]); !ok {
				break
			}
			end++
			if id := m.trie.ids[node]; id >= 0 {
				try(at, end, id, m.scores[id])
				single = single || end-at == size
			}
		}
		if !single {
			try(at, at+size, m.unknown, m.penalty)
		}
		at += size
	}
	// From the end: unknown characters side by side are one piece.
	first := len(p.ids)
	firstSpan := len(p.spans)
	for end := len(word); end > 0; {
		b := best[end]
		start := int(b.start)
		if b.id == m.unknown {
			for start > 0 && best[start].id == m.unknown {
				start = int(best[start].start)
			}
			m.unknownPart(p, word[start:end], start)
		} else {
			p.add(b.id, start, end)
		}
		end = start
	}
	reverse(p.ids[first:])
	reverse(p.spans[firstSpan:])
}

// unknownPart adds, the last one first, the tokens of a part that no piece covers.
func (m *unigram) unknownPart(p *pieces, part []byte, start int) {
	if id, ok := m.ids[string(part)]; ok {
		p.add(id, start, start+len(part))
		return
	}
	known := m.bytes != nil
	for i := 0; known && i < len(part); i++ {
		known = m.bytes[part[i]] >= 0
	}
	if !known {
		p.add(m.unknown, start, start+len(part))
		return
	}
	for i := len(part) - 1; i >= 0; i-- {
		p.add(m.bytes[part[i]], start, start+len(part))
	}
}

func reverse[T any](s []T) {
	for i, j := 0, len(s)-1; i < j; i, j = i+1, j-1 {
		s[i], s[j] = s[j], s[i]
	}
}
