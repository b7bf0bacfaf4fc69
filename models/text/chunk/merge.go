package chunk

import "strings"

// merger is langchain's _merge_splits, a piece at a time: it collects pieces while they fit into a chunk together, and keeps the last of them for the next
// chunk, as far as the overlap goes.
type merger struct {
	*work
	source       string // the text that pieces stand in
	base         int    // where it stands in the whole text; -1: unknown
	between      string // goes between two pieces
	betweenRunes int

	window []collected
	texts  []string // of the window's pieces, where they do not stand in the source
	total  int      // code points of the window, joined
	gaps   int      // how many pieces of the window do not follow the one before them in the source
}

// collected is a piece in a window. A window can be a whole text in pieces of two bytes, so it is small.
type collected struct {
	at, end, runes int32
	gap            bool // between does not stand between it and the piece before it in the source
}

func (m *merger) add(p piece) error {
	if err := m.step(); err != nil {
		return err
	}
	if m.total+p.runes+m.joint() > m.size && len(m.window) > 0 {
		if err := m.emit(); err != nil {
			return err
		}
		for m.total > m.overlap || m.total > 0 && m.total+p.runes+m.joint() > m.size {
			m.drop()
		}
	}
	c := collected{at: int32(p.at), end: int32(p.at + len(p.text)), runes: int32(p.runes)}
	if p.at < 0 {
		m.texts = append(m.texts, p.text)
	} else if len(m.window) > 0 {
		end := int(m.window[len(m.window)-1].end)
		if c.gap = p.at != end+len(m.between) || m.source[end:p.at] != m.between; c.gap {
			m.gaps++
		}
	}
	m.total += p.runes + m.joint()
	m.window = append(m.window, c)
	return nil
}

// joint is what one more piece costs beside itself.
func (m *merger) joint() int {
	if len(m.window) == 0 {
		return 0
	}
	return m.betweenRunes
}

// drop removes the window's first piece.
func (m *merger) drop() {
	m.total -= int(m.window[0].runes)
	m.window = m.window[1:]
	if len(m.texts) > 0 {
		m.texts = m.texts[1:]
	}
	if len(m.window) == 0 {
		return
	}
	m.total -= m.betweenRunes
	if m.window[0].gap {
		m.window[0].gap = false
		m.gaps--
	}
}

// emit makes a chunk of the window, unless nothing is left of it.
func (m *merger) emit() error {
	if len(m.window) == 0 {
		return nil
	}
	if m.bytes+len(m.between)*(len(m.window)-1) > maxBytes { // before it is made
		return &LimitError{maxBytes}
	}
	var text string
	at := -1
	switch {
	case len(m.texts) > 0:
		text = strings.Join(m.texts, m.between)
	case m.gaps == 0:
		at = int(m.window[0].at)
		text = m.source[at:m.window[len(m.window)-1].end]
	default:
		var b strings.Builder
		for i, c := range m.window {
			if i > 0 {
				b.WriteString(m.between)
			}
			b.WriteString(m.source[c.at:c.end])
		}
		text = b.String()
	}
	return m.finish(text, place(m.base, at))
}

// flush makes a chunk of what is left.
func (m *merger) flush() error {
	err := m.emit()
	m.window, m.texts, m.total, m.gaps = m.window[:0], m.texts[:0], 0, 0
	return err
}
