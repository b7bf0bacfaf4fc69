package tokenize

import (
	"slices"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// form is one of Unicode's four normalisation forms, at the reference's version of Unicode (9): package norm is younger, so what it says of a
// character counts only where unicode.tab says that the reference knows of it.
type form struct{ compatible, composed bool }

// changeable tells the characters that the form does not always leave as they are.
func (f form) changeable(p uint16) bool {
	switch {
	case !f.composed && f.compatible:
		return p&(isCompatible|isCombining) != 0
	case !f.composed:
		return p&(isCanonical|isCombining) != 0
	case f.compatible:
		return p&(isCompatible|isCombining|isSecond) != 0
	}
	return p&(isCombining|isSecond) != 0 || p&(isCanonical|isComposed) == isCanonical
}

func (f form) apply(b *buffer) {
	first := 0
	for first < len(b.text) {
		if b.text[first] < utf8.RuneSelf {
			first++
			continue
		}
		r, size := utf8.DecodeRune(b.text[first:])
		if f.changeable(propertiesOf(r)) {
			break
		}
		first += size
	}
	if first == len(b.text) {
		return
	}
	b.begin()
	if first > 0 { // the character before it may take part, and it is no mark
		_, size := utf8.DecodeLastRune(b.text[:first])
		first -= size
	}
	b.keep(first)
	d := decomposer{b: b, form: f}
	for i := first; i < len(b.text); {
		r, size := utf8.DecodeRune(b.text[i:])
		i += size
		d.put(r)
	}
	d.flush()
	d.finish()
	b.end()
}

// part is a character of a decomposition. change is as for buffer.put.
type part struct {
	r      rune
	ccc    uint8
	change int
}

// decomposer puts characters into the form's order and joins them again if the form does.
type decomposer struct {
	form    form
	b       *buffer
	pending []part // since the last character of class 0, not yet sorted

	composee    part
	hasComposee bool
	blocked     []part // what stands behind composee and did not join it
}

func (d *decomposer) put(r rune) {
	p := propertiesOf(r)
	bit := isCanonical
	if d.form.compatible {
		bit = isCompatible
	}
	if p&bit == 0 {
		d.add(r, p, 0)
		return
	}
	if r >= hangulFirst && r <= hangulLast { // computed, as in chapter 3.12 of the Unicode standard
		i := r - hangulFirst
		d.add(0x1100+i/588, 0, 0)
		d.add(0x1161+i%588/28, 0, 1)
		if i%28 != 0 {
			d.add(0x11a7+i%28, 0, 1)
		}
		return
	}
	form := norm.NFD
	if d.form.compatible {
		form = norm.NFKD
	}
	var at [utf8.UTFMax]byte
	change := 0
	for s := form.Properties(utf8.AppendRune(at[:0], r)).Decomposition(); len(s) > 0; change = 1 {
		part, size := utf8.DecodeRune(s)
		s = s[size:]
		d.add(part, propertiesOf(part), change)
	}
}

func (d *decomposer) add(r rune, p uint16, change int) {
	var ccc uint8
	if p&isCombining != 0 {
		ccc = combining(r)
	}
	if ccc == 0 {
		d.flush()
	}
	d.pending = append(d.pending, part{r, ccc, change})
}

// flush hands the pending characters on in canonical order.
func (d *decomposer) flush() {
	if len(d.pending) > 1 {
		slices.SortStableFunc(d.pending, func(a, b part) int { return int(a.ccc) - int(b.ccc) })
	}
	for _, p := range d.pending {
		if d.form.composed {
			d.compose(p)
		} else {
			d.b.put(p.r, p.change)
		}
	}
	d.pending = d.pending[:0]
}

// compose joins a character to the last one of class 0 if nothing stands between them that hinders it.
func (d *decomposer) compose(p part) {
	if !d.hasComposee {
		if p.ccc != 0 {
			d.b.put(p.r, p.change)
		} else {
			d.composee, d.hasComposee = p, true
		}
		return
	}
	n := len(d.blocked)
	if n == 0 || d.blocked[n-1].ccc < p.ccc {
		if r, ok := composed(d.composee.r, p.r); ok {
			d.composee.r = r
			d.composee.change += p.change - 1
			return
		}
	}
	if p.ccc == 0 {
		d.finish()
		d.composee, d.hasComposee = p, true
		return
	}
	d.blocked = append(d.blocked, p)
}

func (d *decomposer) finish() {
	if d.hasComposee {
		d.b.put(d.composee.r, d.composee.change)
	}
	for _, p := range d.blocked {
		d.b.put(p.r, p.change)
	}
	d.hasComposee, d.blocked = false, d.blocked[:0]
}

// compositionTable holds which two characters NFC joins, but for Hangul.
type compositionTable struct {
	pairs   map[[2]rune]rune
	seconds map[rune]bool
}

var compositions = sync.OnceValue(func() *compositionTable {
	t := &compositionTable{pairs: map[[2]rune]rune{}, seconds: map[rune]bool{}}
	canonical := map[rune]bool{}
	for _, r := range tables()["canonical"] {
		for c := r.first; c < r.end; c++ {
			canonical[c] = true
		}
	}
	whole := map[string]rune{} // a decomposition, and the character that it is composed to
	for _, r := range tables()["composed"] {
		for c := r.first; c < r.end; c++ {
			if canonical[c] && (c < hangulFirst || c > hangulLast) {
				whole[string(norm.NFD.PropertiesString(string(c)).Decomposition())] = c
			}
		}
	}
	for s, c := range whole {
		second, size := utf8.DecodeLastRuneInString(s)
		head := s[:len(s)-size]
		first, ok := whole[head]
		if !ok {
			first, size = utf8.DecodeRuneInString(head)
			if size != len(head) {
				continue
			}
		}
		t.pairs[[2]rune{first, second}] = c
		t.seconds[second] = true
	}
	for c := rune(0x1161); c <= 0x11c2; c++ {
		t.seconds[c] = true
	}
	return t
})

func composed(a, b rune) (rune, bool) {
	switch {
	case a >= 0x1100 && a <= 0x1112 && b >= 0x1161 && b <= 0x1175:
		return hangulFirst + (a-0x1100)*588 + (b-0x1161)*28, true
	case a >= hangulFirst && a <= hangulLast && b >= 0x11a8 && b <= 0x11c2 && (a-hangulFirst)%28 == 0:
		return a + b - 0x11a7, true
	}
	c, ok := compositions().pairs[[2]rune{a, b}]
	return c, ok
}
