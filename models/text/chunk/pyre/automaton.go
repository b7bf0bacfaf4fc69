package pyre

// automaton holds the sets of instructions that were met: its states. They are made when they are first needed.
type automaton struct {
	re     *Regexp
	states []state
	ids    map[string]int32
	steps  map[step]int32 // what state.next has no place for
	masks  []uint32       // the first assertions that were seen to hold together
	none   []uint64
	key    []byte
}

// state is the set of instructions from which a match can be reached at some position.
type state struct {
	bits   []uint64
	starts bool    // the program's start is among them
	next   []int32 // by place: the state of the position before; -1: not known yet
}

type step struct {
	from, class int32
	holds       uint32
}

// maxStates is the number of states at which all are forgotten, between two blocks of a text.
const maxStates = 4096

// maxPlaces is the most places that a state's table may have, and maxMasks the number of masks that have places in it, if there are assertions.
const (
	maxPlaces = 256
	maxMasks  = 8
)

// place gives the place of a class and a mask in the tables of the states; -1: there is none.
func (a *automaton) place(class int32, holds uint32) int32 {
	if a.re.needs == 0 {
		return class
	}
	for i, m := range a.masks {
		if m == holds {
			return class*maxMasks + int32(i)
		}
	}
	if len(a.masks) == maxMasks {
		return -1
	}
	a.masks = append(a.masks, holds)
	return class*maxMasks + int32(len(a.masks)-1)
}

func (a *automaton) reset() {
	a.states = a.states[:0]
	a.ids = map[string]int32{}
	a.steps = map[step]int32{}
}

func has(bits []uint64, pc int32) bool { return bits[pc>>6]>>(pc&63)&1 != 0 }

func (a *automaton) id(bits []uint64) int32 {
	a.key = a.key[:0]
	for _, w := range bits {
		a.key = append(a.key, byte(w), byte(w>>8), byte(w>>16), byte(w>>24), byte(w>>32), byte(w>>40), byte(w>>48), byte(w>>56))
	}
	if id, ok := a.ids[string(a.key)]; ok {
		return id
	}
	id := int32(len(a.states))
	s := state{bits: bits, starts: has(bits, a.re.start)}
	n := len(a.re.chars)
	if a.re.needs != 0 {
		n *= maxMasks
	}
	if n <= maxPlaces {
		s.next = make([]int32, n)
		for i := range s.next {
			s.next[i] = -1
		}
	}
	a.states = append(a.states, s)
	a.ids[string(a.key)] = id
	return id
}

// before gives the state of a position from that of the next one (-1: there is none) and the character between; holds are the assertions that hold
// at the position.
func (a *automaton) before(from, class int32, holds uint32) int32 {
	if from >= 0 {
		if next := a.states[from].next; next != nil {
			if place := a.place(class, holds); place >= 0 {
				if next[place] < 0 {
					next[place] = a.id(a.close(a.states[from].bits, class, holds))
				}
				return next[place]
			}
		}
	}
	key := step{from, class, holds}
	id, ok := a.steps[key]
	if !ok {
		after := a.none
		if from >= 0 {
			after = a.states[from].bits
		}
		id = a.id(a.close(after, class, holds))
		a.steps[key] = id
	}
	return id
}

// close computes a state.
func (a *automaton) close(after []uint64, class int32, holds uint32) []uint64 {
	prog := a.re.prog
	bits := make([]uint64, len(a.none))
	set := func(pc int32) { bits[pc>>6] |= 1 << (pc & 63) }
	for _, pc := range a.re.chars[class] {
		if has(after, prog[pc].next) {
			set(pc)
		}
	}
	for _, region := range a.re.regions {
		for changed := true; changed; {
			changed = false
			for _, pc := range region {
				if !has(bits, pc) && reaches(&prog[pc], bits, holds) {
					set(pc)
					changed = true
				}
			}
		}
	}
	return bits
}

// reaches reports whether an instruction goes on at one that is in a set.
func reaches(i *inst, bits []uint64, holds uint32) bool {
	switch i.op {
	case opMatch:
		return true
	case opSplit:
		return has(bits, i.next) || has(bits, i.alt)
	}
	return i.passes(bits, holds) && has(bits, i.next)
}

// passes reports whether what an instruction tests holds.
func (i *inst) passes(bits []uint64, holds uint32) bool {
	switch i.op {
	case opAt:
		return holds>>i.arg&1 != 0
	case opLook:
		return has(bits, i.arg) != i.negative
	case opBehind:
		return (holds>>(int32(assertions)+i.arg)&1 != 0) != i.negative
	}
	return true
}
