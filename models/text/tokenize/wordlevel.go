package tokenize

// wordLevel knows whole words alone.
type wordLevel struct {
	vocab   map[string]int32
	unknown int32
}

func (m *wordLevel) id(token string) (int32, bool) {
	id, ok := m.vocab[token]
	return id, ok
}

func (m *wordLevel) size() int { return len(m.vocab) }

func (m *wordLevel) append(p *pieces, word []byte, _ *scratch) {
	id, ok := m.vocab[string(word)]
	if !ok {
		id = m.unknown
	}
	p.add(id, 0, len(word))
}
