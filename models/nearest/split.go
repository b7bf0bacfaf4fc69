package nearest

import "math"

// split gives the bfloat16 that is nearest to a number, ties to even's neighbour above, and the rest: the bits that are left, as a difference.
func split(v float32) (high uint16, rest int16) {
	b := math.Float32bits(v)
	high = uint16((b + 0x8000) >> 16)
	return high, int16(b - uint32(high)<<16)
}

// join is split's reverse.
func join(high uint16, rest int16) float32 {
	return math.Float32frombits(uint32(high)<<16 + uint32(int32(rest)))
}
