package pyre

import (
	"slices"
	"sync"
	"unicode"
)

// runes is a set of code points: sorted ranges that do not touch.
type runes []span

// span is a range, both ends included.
type span struct{ lo, hi rune }

func (s runes) has(r rune) bool {
	_, found := slices.BinarySearchFunc(s, r, func(p span, r rune) int {
		switch {
		case p.hi < r:
			return -1
		case p.lo > r:
			return 1
		}
		return 0
	})
	return found
}

// clean sorts and joins ranges.
func clean(s runes) runes {
	slices.SortFunc(s, func(a, b span) int { return int(a.lo - b.lo) })
	out := s[:0]
	for _, p := range s {
		if n := len(out); n > 0 && p.lo <= out[n-1].hi+1 {
			out[n-1].hi = max(out[n-1].hi, p.hi)
		} else {
			out = append(out, p)
		}
	}
	return out
}

// not is the complement of a clean set.
func (s runes) not() runes {
	var out runes
	next := rune(0)
	for _, p := range s {
		if p.lo > next {
			out = append(out, span{next, p.lo - 1})
		}
		next = p.hi + 1
	}
	if next <= unicode.MaxRune {
		out = append(out, span{next, unicode.MaxRune})
	}
	return out
}

// fold adds to a clean set what differs from its members in case alone.
func (s runes) fold(ascii bool) runes {
	out := slices.Clone(s)
	add := func(lo, hi rune) {
		for r := lo; r <= hi; r++ {
			for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
				if !ascii || r < 0x80 && f < 0x80 {
					out = append(out, span{f, f})
				}
			}
		}
	}
	other := cased()
	for i, j := 0, 0; i < len(s) && j < len(other); {
		if lo, hi := max(s[i].lo, other[j].lo), min(s[i].hi, other[j].hi); lo <= hi {
			add(lo, hi)
		}
		if s[i].hi < other[j].hi {
			i++
		} else {
			j++
		}
	}
	return clean(out)
}

// cased are the code points that have another case.
var cased = sync.OnceValue(func() runes {
	var out runes
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if unicode.SimpleFold(r) != r {
			out = append(out, span{r, r})
		}
	}
	return clean(out)
})

func tables(list ...*unicode.RangeTable) runes {
	var out runes
	for _, t := range list {
		for _, r := range t.R16 {
			for c := rune(r.Lo); c <= rune(r.Hi); c += rune(r.Stride) {
				out = append(out, span{c, c})
			}
		}
		for _, r := range t.R32 {
			for c := rune(r.Lo); c <= rune(r.Hi); c += rune(r.Stride) {
				out = append(out, span{c, c})
			}
		}
	}
	return clean(out)
}

// The classes \d, \w and \s, of texts and with the flag a.
var (
	digits = sync.OnceValue(func() runes { return tables(unicode.Nd) })
	words  = sync.OnceValue(func() runes { return clean(append(tables(unicode.L, unicode.N), span{'_', '_'})) })
	spaces = runes{{'\t', '\r'}, {0x1c, ' '}, {0x85, 0x85}, {0xa0, 0xa0}, {0x1680, 0x1680}, {0x2000, 0x200a}, {0x2028, 0x2029},
		{0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}}

	asciiDigits = runes{{'0', '9'}}
	asciiWords  = runes{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}
	asciiSpaces = runes{{'\t', '\r'}, {' ', ' '}}

	anyRune    = runes{{0, unicode.MaxRune}}
	anyButLine = runes{{0, '\n' - 1}, {'\n' + 1, unicode.MaxRune}}
)

// class is the set of \d, \D, \s, \S, \w or \W.
func class(c rune, ascii bool) runes {
	var s runes
	switch unicode.ToLower(c) {
	case 'd':
		s = digits()
		if ascii {
			s = asciiDigits
		}
	case 's':
		s = spaces
		if ascii {
			s = asciiSpaces
		}
	default:
		s = words()
		if ascii {
			s = asciiWords
		}
	}
	if c < 'a' {
		return s.not()
	}
	return s
}
