package gbdt

import "slices"

// mix is the finisher of splitmix64: a hash of its input that passes for random. Draws are hashes of what they are for
// (seed, tree, row), so that they do not depend on the order in which threads make them.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// draw hashes several keys into one.
func draw(keys ...uint64) uint64 {
	h := uint64(0x6a09e667f3bcc909)
	for _, k := range keys {
		h = mix(h ^ k)
	}
	return h
}

// unit is a hash as a number from 0 to 1, 1 excluded.
func unit(h uint64) float64 { return float64(h>>11) / (1 << 53) }

// Purposes of draws, so that no two of them share a sequence.
const (
	drawRows uint64 = iota + 1
	drawTree
	drawLevel
	drawNode
	drawSketch
	drawHeld
	drawDrop
	drawSkip
	drawFeature
	_ // no longer in use, as the one below; the numbers of the others are part of what models come out
	drawHoldout
	drawBag
	_
	drawWeight
	drawNoise
	drawPermutation
	drawPair
)

// choose takes the given share of a set, at least one, without replacement and in ascending order.
func choose(set []int32, share float64, key uint64) []int32 {
	if share >= 1 {
		return set
	}
	n := max(1, int(share*float64(len(set))))
	s := slices.Clone(set)
	for i := range n {
		key = mix(key)
		j := i + int(key%uint64(len(s)-i))
		s[i], s[j] = s[j], s[i]
	}
	s = s[:n]
	slices.Sort(s)
	return s
}

// minstd is the generator of C++'s std::minstd_rand (Park, Miller and Stockmeyer 1993), with std::uniform_int_distribution as libstdc++ has it.
type minstd uint64

const minstdModulus = 1<<31 - 1

func newMinstd(seed uint32) minstd {
	if s := minstd(seed) % minstdModulus; s != 0 {
		return s
	}
	return 1
}

// below draws a number from 0 to n-1; n is far below 2^31.
func (m *minstd) below(n int) int {
	const values = minstdModulus - 1 // from 1 on
	scale := uint64(values-1) / uint64(n)
	for {
		*m = *m * 48271 % minstdModulus
		if v := uint64(*m) - 1; v < scale*uint64(n) {
			return int(v / scale)
		}
	}
}
