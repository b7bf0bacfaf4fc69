package chunk

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/pgowl/pgowl/models/text/chunk/pyre"
)

// maxBytes is the most that the chunks of one text may take together, with header bytes for each, and before their white space is taken off. Overlaps
// can make them any multiple of the text. The largest value of Postgres is 1 GB, and their way there takes several times what they are.
const (
	maxBytes = 256 << 20
	header   = 24
)

// maxText is longer than any text of Postgres.
const maxText = 1<<31 - 1

// A Chunk is a part of a text, or, where pieces were joined anew, made of parts of it.
type Chunk struct {
	Text string
	At   int // where it stands in the text, in bytes; -1: it was not looked for, or does not stand there
}

// Split gives the chunks of a text in order. None is longer than the chunk size but one that no separator splits. The chunks may share the text's
// memory. The error is a *LimitError, an *OptionError where Python fails, too (a separator whose groups cannot be placed), or ctx's cause.
func (s *Splitter) Split(ctx context.Context, text string) ([]Chunk, error) {
	base := 0
	if !utf8.ValidString(text) { // from a database without an encoding
		text, base = strings.ToValidUTF8(text, string(utf8.RuneError)), -1
	}
	if len(text) > maxText {
		return nil, &LimitError{maxBytes}
	}
	w := work{Splitter: s, ctx: ctx, scanners: make([]*pyre.Scanner, len(s.separators))}
	defer w.close()
	var err error
	switch {
	case s.recursive:
		err = w.split(text, base, 0)
	case s.separators[0].text == "":
		err = w.characters(text, base, false)
	default:
		m := merger{work: &w, source: text, base: base}
		if s.keep == keepNone && !s.separators[0].lookaround() {
			m.between, m.betweenRunes = s.separators[0].text, utf8.RuneCountInString(s.separators[0].text)
		}
		if err = w.pieces(text, 0, m.add); err == nil {
			err = m.flush()
		}
	}
	if err != nil {
		return nil, err
	}
	return w.chunks, nil
}

// lookaround reports whether a separator is one that langchain never puts back: it looks at the prefix.
func (s *separator) lookaround() bool {
	if s.re == nil {
		return false
	}
	for _, prefix := range []string{"(?=", "(?<!", "(?<=", "(?!"} {
		if strings.HasPrefix(s.text, prefix) {
			return true
		}
	}
	return false
}

// piece is a part of a text. It is never empty.
type piece struct {
	text  string
	at    int // where it stands in the text that is being split, in bytes; -1: it does not stand there in one
	runes int
}

// work is one call of Split.
type work struct {
	*Splitter
	ctx      context.Context
	scanners []*pyre.Scanner // by separator, made when needed
	chunks   []Chunk
	bytes    int
	steps    int
}

// place is where something stands in the whole text, that stands somewhere in a part of it; -1: unknown.
func place(base, at int) int {
	if base < 0 || at < 0 {
		return -1
	}
	return base + at
}

// chunk takes a finished chunk.
func (w *work) chunk(c string, at int) error {
	w.chunks = append(w.chunks, Chunk{c, at})
	return w.count(c)
}

// finish takes a chunk that was merged, unless nothing is left of it.
func (w *work) finish(c string, at int) error {
	if err := w.count(c); err != nil {
		return err
	}
	if w.strip {
		left := strings.TrimLeftFunc(c, isSpace)
		at = place(at, len(c)-len(left))
		c = strings.TrimRightFunc(left, isSpace)
	}
	if c != "" {
		w.chunks = append(w.chunks, Chunk{c, at})
	}
	return nil
}

func (w *work) count(c string) error {
	if w.bytes += len(c) + header; w.bytes > maxBytes {
		return &LimitError{maxBytes}
	}
	return nil
}

// step is called once a piece, so that a call ends soon after its context.
func (w *work) step() error {
	if w.steps++; w.steps&0xfff == 0 && w.ctx.Err() != nil {
		return context.Cause(w.ctx)
	}
	return nil
}

// split is langchain's _split_text: at the first separator that occurs, short pieces merged, long ones split again by the separators that follow.
func (w *work) split(text string, base, from int) error {
	at, next := len(w.separators)-1, len(w.separators)
	for i := from; i < len(w.separators); i++ {
		if w.separators[i].text == "" {
			at = i
			break
		}
		found, err := w.found(text, i)
		if err != nil {
			return err
		}
		if found {
			at, next = i, i+1
			break
		}
	}
	if w.separators[at].text == "" {
		return w.characters(text, base, w.size == 1)
	}
	m := merger{work: w, source: text, base: base}
	if w.keep == keepNone {
		m.between, m.betweenRunes = w.separators[at].text, utf8.RuneCountInString(w.separators[at].text)
	}
	err := w.pieces(text, at, func(p piece) error {
		if p.runes < w.size {
			return m.add(p)
		}
		if err := m.flush(); err != nil {
			return err
		}
		if next == len(w.separators) {
			return w.chunk(p.text, place(base, p.at))
		}
		return w.split(p.text, place(base, p.at), next)
	})
	if err != nil {
		return err
	}
	return m.flush()
}
