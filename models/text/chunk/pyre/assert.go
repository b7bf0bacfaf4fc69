package pyre

import "unicode/utf8"

// holds gives the assertions that hold at a position, a bit each, and the look-behinds after them.
func (s *Scanner) holds(at int) uint32 {
	needs := s.re.needs
	if needs == 0 {
		return 0
	}
	var held uint32
	if len(s.behinds) > 0 {
		held = s.behinds[at]
	}
	for k := range s.re.behinds {
		if b := &s.re.behinds[k]; b.short != nil && b.ends(s.text[:at]) {
			held |= 1 << (int(assertions) + k)
		}
	}
	if needs&(1<<assertions-1) == 0 {
		return held
	}
	return held | asserted(s.text, at, needs)
}

// ends reports whether a text ends with a short look-behind's characters.
func (b *behind) ends(text string) bool {
	for _, set := range b.short {
		if text == "" {
			return false
		}
		r, n := rune(text[len(text)-1]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeLastRuneInString(text)
		}
		if !b.takes(set, r) {
			return false
		}
		text = text[:len(text)-n]
	}
	return true
}

const wordAssertions = 1<<atWord | 1<<atNotWord | 1<<atWordASCII | 1<<atNotWordASCII

// asserted gives those of some assertions that hold at a position.
func asserted(text string, at int, needs uint32) uint32 {
	var held uint32
	hold := func(a assertion, if_ bool) {
		if if_ {
			held |= 1 << a
		}
	}
	start, end := at == 0, at == len(text)
	hold(atStart, start)
	hold(atEnd, end)
	hold(atLineStart, start || text[at-1] == '\n')
	hold(atLineEnd, end || text[at] == '\n')
	hold(atLastEnd, end || at == len(text)-1 && text[at] == '\n')
	if needs&wordAssertions == 0 {
		return held & needs
	}
	var before, after rune = -1, -1
	if !start {
		before, _ = utf8.DecodeLastRuneInString(text[:at])
	}
	if !end {
		after, _ = utf8.DecodeRuneInString(text[at:])
	}
	word := isWord(before) != isWord(after)
	ascii := (before < 0x80 && isWord(before)) != (after < 0x80 && isWord(after))
	hold(atWord, word)
	hold(atNotWord, !word && len(text) > 0) // Python before 3.14: \B does not match the empty text
	hold(atWordASCII, ascii)
	hold(atNotWordASCII, !ascii && len(text) > 0)
	return held & needs
}

func isWord(r rune) bool {
	if r < 0x80 {
		return r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
	}
	return words().has(r)
}

// lookBehind finds out where the look-behinds that are not short hold, going forwards: each is tried from every position at once, and as it has one length alone, what ends
// at a position began in the right place.
func (s *Scanner) lookBehind() {
	s.behinds = s.behinds[:0]
	for k := range s.re.behinds {
		b := &s.re.behinds[k]
		if b.short != nil {
			continue
		}
		if len(s.behinds) == 0 {
			s.behinds = append(s.behinds, make([]uint32, len(s.text)+1)...)
		}
		f := forwards{behind: b, text: s.text, needs: s.re.needs, seen: make([]int, len(b.prog))}
		for at := 0; ; {
			f.reach(at, b.start)
			if f.matched {
				s.behinds[at] |= 1 << (int(assertions) + k)
			}
			if at == len(s.text) {
				break
			}
			r, n := utf8.DecodeRuneInString(s.text[at:])
			at += n
			f.step(at, r)
		}
	}
}

// forwards is the simulation of a look-behind's program.
type forwards struct {
	*behind
	text    string
	needs   uint32
	seen    []int // by instruction: one more than the last position where it was reached
	chars   []int32
	next    []int32
	matched bool // the program's end was reached at this position
}

// reach adds an instruction, and where it goes on, to those of a position.
func (f *forwards) reach(at int, pc int32) {
	if f.seen[pc] == at+1 {
		return
	}
	f.seen[pc] = at + 1
	switch i := &f.prog[pc]; i.op {
	case opMatch:
		f.matched = true
	case opChar:
		f.chars = append(f.chars, pc)
	case opSplit, opAgain:
		f.reach(at, i.next)
		f.reach(at, i.alt)
	case opAt:
		if asserted(f.text, at, f.needs)>>i.arg&1 != 0 {
			f.reach(at, i.next)
		}
	default:
		f.reach(at, i.next)
	}
}

// step takes the character before a position.
func (f *forwards) step(at int, r rune) {
	f.matched = false
	f.chars, f.next = f.next[:0], f.chars
	for _, pc := range f.next {
		if i := &f.prog[pc]; f.takes(i.arg, r) {
			f.reach(at, i.next)
		}
	}
}
