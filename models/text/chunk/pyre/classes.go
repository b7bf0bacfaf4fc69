package pyre

import (
	"slices"
	"unicode"
)

// classify finds the classes of characters that no set of the program tells apart. It is false where that would take too long.
func (re *Regexp) classify(sets []runes) bool {
	re.bounds = []rune{0}
	for _, s := range sets {
		for _, p := range s {
			re.bounds = append(re.bounds, p.lo)
			if p.hi < unicode.MaxRune {
				re.bounds = append(re.bounds, p.hi+1)
			}
		}
	}
	slices.Sort(re.bounds)
	re.bounds = slices.Compact(re.bounds)
	members := make([][]int32, len(re.bounds)) // by bound: the instructions that take the characters from there on
	count := 0
	for pc, i := range re.prog {
		if i.op != opChar {
			continue
		}
		for _, p := range sets[i.arg] {
			b, _ := slices.BinarySearch(re.bounds, p.lo)
			if count > maxMembers {
				return false
			}
			for ; b < len(re.bounds) && re.bounds[b] <= p.hi; b++ {
				members[b] = append(members[b], int32(pc))
				count++
			}
		}
	}
	re.classes = make([]int32, len(re.bounds))
	known := map[string]int32{}
	for b, list := range members {
		key := string(int32Bytes(list))
		class, ok := known[key]
		if !ok {
			class = int32(len(re.chars))
			known[key] = class
			re.chars = append(re.chars, list)
		}
		re.classes[b] = class
	}
	re.chars = append(re.chars, nil)
	for r := range re.ascii {
		re.ascii[r] = re.search(rune(r))
	}
	return true
}

func int32Bytes(list []int32) []byte {
	out := make([]byte, 0, 4*len(list))
	for _, v := range list {
		out = append(out, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
	}
	return out
}

func (re *Regexp) search(r rune) int32 {
	b, found := slices.BinarySearch(re.bounds, r)
	if !found {
		b--
	}
	return re.classes[b]
}

// class is a character's.
func (re *Regexp) class(r rune) int32 {
	if r < 128 {
		return re.ascii[r]
	}
	return re.search(r)
}
