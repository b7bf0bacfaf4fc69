package chunk

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/pgowl/pgowl/models/text/chunk/pyre"
)

// longText is the length in bytes from which on looking for a separator takes so long that the context is looked at before.
const longText = 1 << 16

// found reports whether a separator occurs in a text.
func (w *work) found(text string, at int) (bool, error) {
	if len(text) > longText && w.ctx.Err() != nil { // a thousand separators may be looked for before there is a piece
		return false, context.Cause(w.ctx)
	}
	sep := &w.separators[at]
	if sep.re == nil {
		return strings.Contains(text, sep.find), nil
	}
	return w.scanner(at).Found(w.ctx, text)
}

func (w *work) scanner(at int) *pyre.Scanner {
	if w.scanners[at] == nil {
		w.scanners[at] = w.separators[at].re.Scanner()
	}
	return w.scanners[at]
}

// close gives the scanners back.
func (w *work) close() {
	for _, s := range w.scanners {
		if s != nil {
			s.Close()
		}
	}
}

// pieces is langchain's _split_text_with_regex: it gives the pieces of a text between a separator's occurrences, with them as keep says, but the empty ones. The separator is not the
// empty text.
func (w *work) pieces(text string, at int, give func(piece) error) error {
	sep := &w.separators[at]
	switch {
	case sep.re == nil:
		return w.cut(text, give, func(found func(from, to int) error) error {
			for i := 0; ; {
				j := strings.Index(text[i:], sep.find)
				if j < 0 {
					return nil
				}
				if err := found(i+j, i+j+len(sep.find)); err != nil {
					return err
				}
				i += j + len(sep.find)
			}
		})
	case sep.re.Groups() == 0:
		return w.cut(text, give, func(found func(from, to int) error) error {
			return w.scanner(at).Each(w.ctx, text, func(m []int) error { return found(m[0], m[1]) })
		})
	}
	return w.grouped(text, at, give)
}

// characters gives the chunks of a text in pieces of one code point: as merger makes them, without a piece for each. raw leaves each as it is.
func (w *work) characters(text string, base int, raw bool) error {
	if raw {
		for at, r := range text {
			if err := w.step(); err != nil {
				return err
			}
			if err := w.chunk(text[at:at+utf8.RuneLen(r)], place(base, at)); err != nil {
				return err
			}
		}
		return nil
	}
	start, runes := 0, 0
	for end := range text {
		if err := w.step(); err != nil {
			return err
		}
		if runes == w.size {
			if err := w.finish(text[start:end], place(base, start)); err != nil {
				return err
			}
			for ; runes > w.overlap || runes == w.size; runes-- {
				_, n := utf8.DecodeRuneInString(text[start:])
				start += n
			}
		}
		runes++
	}
	return w.finish(text[start:], place(base, start))
}

// cut gives the pieces between the occurrences that each finds, in order.
func (w *work) cut(text string, give func(piece) error, each func(found func(from, to int) error) error) error {
	start := 0
	to := func(end int) error {
		if start == end {
			return nil
		}
		p := piece{text[start:end], start, utf8.RuneCountInString(text[start:end])}
		start = end
		return give(p)
	}
	err := each(func(sepStart, sepEnd int) error {
		if err := w.step(); err != nil {
			return err
		}
		end, next := sepStart, sepEnd
		switch w.keep {
		case keepStart:
			next = sepStart
		case keepEnd:
			end = sepEnd
		}
		err := to(end)
		start = next
		return err
	})
	if err != nil {
		return err
	}
	return to(len(text))
}

// grouped is cut for a separator with groups of its own. Python's re.split puts what they matched among the pieces; langchain then takes them in pairs, which
// gives strange pieces and, with some numbers of groups, an error.
func (w *work) grouped(text string, at int, give func(piece) error) error {
	groups := w.separators[at].re.Groups()
	type part struct {
		text string
		none bool // a group that did not take part
	}
	var parts []part
	last := 0
	err := w.scanner(at).Each(w.ctx, text, func(m []int) error {
		if err := w.step(); err != nil {
			return err
		}
		parts = append(parts, part{text: text[last:m[0]]})
		if w.keep != keepNone {
			parts = append(parts, part{text: text[m[0]:m[1]]})
		}
		for g := 1; g <= groups; g++ {
			if m[2*g] < 0 {
				parts = append(parts, part{none: true})
			} else {
				parts = append(parts, part{text: text[m[2*g]:m[2*g+1]]})
			}
		}
		last = m[1]
		return nil
	})
	if err != nil {
		return err
	}
	parts = append(parts, part{text: text[last:]})

	one := func(s string) error {
		if err := w.step(); err != nil || s == "" {
			return err
		}
		return give(piece{s, -1, utf8.RuneCountInString(s)})
	}
	pair := func(i int) error {
		if i+1 >= len(parts) || parts[i].none || parts[i+1].none {
			return &OptionError{Name: "keep_separator", Reason: "cannot place the groups of the separator, in langchain neither: write (?:...) for (...)"}
		}
		return one(parts[i].text + parts[i+1].text)
	}
	end := parts[len(parts)-1].text
	switch w.keep {
	case keepNone:
		for _, p := range parts { // None is no piece
			if err := one(p.text); err != nil {
				return err
			}
		}
		return nil
	case keepStart:
		if err := one(parts[0].text); err != nil {
			return err
		}
		for i := 1; i < len(parts); i += 2 {
			if err := pair(i); err != nil {
				return err
			}
		}
		return nil // an even number of parts has failed
	}
	for i := 0; i < len(parts)-1; i += 2 {
		if err := pair(i); err != nil {
			return err
		}
	}
	if len(parts)%2 == 0 {
		if err := one(end); err != nil {
			return err
		}
	}
	return one(end)
}
