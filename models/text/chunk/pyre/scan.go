package pyre

import (
	"context"
	"strings"
	"unicode/utf8"
)

// A Scanner finds the matches of a Regexp. It keeps what it has learnt for the next text, and belongs to one goroutine.
type Scanner struct {
	re    *Regexp
	cache automaton

	text    string
	behinds []uint32 // by position: the look-behinds that hold, as bits of what holds
	ends    []end    // by block: where the next one begins
	table   []int32  // the states of the positions of a block
	loaded  int      // which block that is

	marks  []int32 // what the path that is being tried keeps
	failed map[branch]bool
	tried  int
	most   int // branches that may be tried at one position: it takes many loops inside each other, of iterations that match nothing, to need them
}

// end is the state of the first position after a block.
type end struct {
	at   int
	bits []uint64
}

// block is the number of positions whose states are kept at once.
const block = 1 << 14

// Scanner gives one, perhaps one that has been closed and knows something already.
func (re *Regexp) Scanner() *Scanner {
	if s, ok := re.scanners.Get().(*Scanner); ok {
		return s
	}
	s := &Scanner{re: re, failed: map[branch]bool{}, most: 8*len(re.prog) + 1000}
	s.cache = automaton{re: re, none: make([]uint64, (len(re.prog)+63)/64)}
	s.cache.reset()
	return s
}

// Close gives a scanner back. It must not be used any more.
func (s *Scanner) Close() {
	if len(s.cache.states) > maxStates {
		return
	}
	s.text, s.behinds, s.ends = "", nil, nil
	s.re.scanners.Put(s)
}

// Found reports whether there is a match in a text, which is valid UTF-8.
func (s *Scanner) Found(ctx context.Context, text string) (bool, error) {
	return s.load(ctx, text, true)
}

// load goes through a text backwards and keeps the states at the ends of its blocks; first stops at the first match, which is the text's last, and
// is all that it looks for.
func (s *Scanner) load(ctx context.Context, text string, first bool) (bool, error) {
	if s.re.prefix != "" && !strings.Contains(text, s.re.prefix) {
		return false, context.Cause(ctx)
	}
	s.text = text
	if n := min(block, len(text)+1); len(s.table) < n {
		s.table = make([]int32, n)
	}
	s.lookBehind()
	blocks := len(text)/block + 1
	s.ends = append(s.ends[:0], make([]end, blocks)...)
	found := false
	for k := blocks - 1; k >= 0; k-- {
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		at, id, any := s.fill(k)
		found = found || any
		if first && found {
			return true, nil
		}
		if k > 0 {
			s.ends[k-1] = end{at, s.cache.states[id].bits}
		}
	}
	return found, nil
}

// fill computes the states of the positions of a block from the end of it. It gives the first position and its state, and whether a match begins in
// the block.
func (s *Scanner) fill(k int) (at int, id int32, any bool) {
	if len(s.cache.states) > maxStates {
		s.cache.reset()
	}
	from := k * block
	s.loaded = k
	if k == len(s.ends)-1 {
		at = len(s.text)
		id = s.cache.before(-1, int32(len(s.re.chars)-1), s.holds(at))
		s.table[at-from] = id
		any = s.cache.states[id].starts
	} else {
		at = s.ends[k].at
		id = s.cache.id(s.ends[k].bits)
	}
	for at > from {
		r, n := rune(s.text[at-1]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeLastRuneInString(s.text[:at])
			if at-n < from {
				break
			}
		}
		at -= n
		var holds uint32
		if s.re.needs != 0 {
			holds = s.holds(at)
		}
		id = s.cache.before(id, s.re.class(r), holds)
		s.table[at-from] = id
		any = any || s.cache.states[id].starts
	}
	return at, id, any
}

// state is the state of a position.
func (s *Scanner) state(at int) *state {
	if at/block != s.loaded {
		s.fill(at / block)
	}
	return &s.cache.states[s.table[at%block]]
}

// Each calls do with every match in a text, which is valid UTF-8, in order, as Python's re.split takes them: they do not overlap, and one without
// characters may follow another match at once, but not another such. It gets the places in bytes where the match begins and ends, then those of
// each group (-1: it took no part), valid until it returns.
func (s *Scanner) Each(ctx context.Context, text string, do func(match []int) error) error {
	if found, err := s.load(ctx, text, false); err != nil || !found {
		return err
	}
	match := make([]int, 2*s.re.groups+2)
	steps := 0
	for at, advance := 0, false; ; {
		if steps++; steps%block == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if s.state(at).starts {
			ok, err := s.match(at, advance, match)
			if err != nil {
				return err
			}
			if ok {
				if err := do(match); err != nil {
					return err
				}
				at, advance = match[1], match[0] == match[1]
				continue
			}
		}
		if at == len(text) {
			return nil
		}
		_, n := utf8.DecodeRuneInString(text[at:])
		at, advance = at+n, false
	}
}

// match walks through the match that begins at a place. With advance it has to have a character, and may not exist.
func (s *Scanner) match(at int, advance bool, match []int) (bool, error) {
	for i := range match {
		match[i] = -1
	}
	match[0] = at
	for pc := s.re.start; ; {
		state := s.state(at)
		w := walk{Scanner: s, bits: state.bits, advance: advance}
		if s.re.needs != 0 {
			w.holds = s.holds(at)
		}
		s.marks = s.marks[:0]
		clear(s.failed)
		s.tried = 0
		to, ok := w.try(pc, 0)
		if s.tried > s.most {
			return false, &LimitError{"the regular expression's loops take too long here"}
		}
		if !ok {
			return false, nil
		}
		for _, m := range s.marks {
			match[m] = at
		}
		if s.re.prog[to].op == opMatch {
			match[1] = at
			return true, nil
		}
		_, n := utf8.DecodeRuneInString(s.text[at:])
		at, pc, advance = at+n, s.re.prog[to].next, false
	}
}

// walk is the way from one position to the next.
type walk struct {
	*Scanner
	bits    []uint64
	holds   uint32
	advance bool // the end of the program does not count
}

// branch is an instruction and the loops that have begun an iteration at this position, a bit each.
type branch struct {
	pc    int32
	loops uint32
}

// try takes the first way from an instruction to one that takes the next character, or to the program's end.
func (w *walk) try(pc int32, loops uint32) (int32, bool) {
	if !has(w.bits, pc) {
		return 0, false
	}
	i := &w.re.prog[pc]
	switch i.op {
	case opChar:
		return pc, true
	case opMatch:
		return pc, !w.advance
	}
	if w.tried++; w.tried > w.most || len(w.failed) > 0 && w.failed[branch{pc, loops}] {
		return 0, false
	}
	marks := len(w.marks)
	next, inside := i.next, loops
	switch i.op {
	case opSave:
		w.marks = append(w.marks, i.arg)
	case opEnter:
		inside |= 1 << i.arg
	case opAgain:
		if loops>>i.arg&1 != 0 {
			next = i.alt
		}
	}
	if i.passes(w.bits, w.holds) {
		if to, ok := w.try(next, inside); ok {
			return to, true
		}
	}
	w.marks = w.marks[:marks]
	if i.op == opSplit {
		if to, ok := w.try(i.alt, loops); ok {
			return to, true
		}
	}
	w.failed[branch{pc, loops}] = true
	return 0, false
}
