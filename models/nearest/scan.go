package nearest

import (
	"math"
	"math/bits"
)

// tileRows is the number of rows of a tile: the first pass works on so many at once, each in a lane of its own, so a row's sum is made in the same order everywhere.
const tileRows = 16

// maxTiles is the largest number of tiles that a kernel goes through at once.
const maxTiles = 4

// A kernel makes the first pass over some tiles for a number of queries.
type kernel struct {
	queries int // at once
	tiles   int // a group
	scan    func(p *pass, pairs, groups int)
}

// kernels are the ones of this processor, the number of queries rising, from one on.
var kernels = kernelsGo

var kernelsGo = []kernel{{1, 1, goKernel(1, 1)}, {4, 1, goKernel(4, 1)}}

func goKernel(queries, tiles int) func(*pass, int, int) {
	return func(p *pass, pairs, groups int) { scanGo(p, pairs, groups*tiles, queries) }
}

// pass is what a kernel reads and writes. A row has its pairs of dimensions in one lane of a tile: the bfloat16 of the even one in the low half of 32 bits, that of the odd one in
// the high half.
type pass struct {
	tiles   []uint32  // [tile][pair][tileRows]
	scales  []float32 // [tile][tileRows]: what a row's sum is multiplied by
	queries []float32 // [pair][2][query]
	least   []float32 // [query]
	scores  []float32 // [tile][query][tileRows]: written
	masks   []uint16  // [tile][query]: written, a bit for each row whose score is not below least
}

// scanGo is what the kernels do, to the bit.
func scanGo(p *pass, pairs, tiles, queries int) {
	for t := range tiles {
		rows := p.tiles[t*pairs*tileRows:][:pairs*tileRows]
		for q := range queries {
			mask := uint16(0)
			for r := range tileRows {
				sum := float32(0)
				for i := range pairs {
					two := rows[i*tileRows+r]
					sum = fma32(math.Float32frombits(two<<16), p.queries[2*i*queries+q], sum)
					sum = fma32(math.Float32frombits(two&0xffff0000), p.queries[(2*i+1)*queries+q], sum)
				}
				sum = float32(sum * p.scales[t*tileRows+r])
				p.scores[(t*queries+q)*tileRows+r] = sum
				if sum >= p.least[q] {
					mask |= 1 << r
				}
			}
			p.masks[t*queries+q] = mask
		}
	}
}

// fma32 is x*y + z rounded once. The product is exact in double precision; where their sum, rounded to that, lies just between two floats, its error decides.
func fma32(x, y, z float32) float32 {
	p, c := float64(x)*float64(y), float64(z)
	s := float64(p + c)
	const half, low = 1 << 28, 1<<29 - 1
	b := math.Float64bits(s)
	if b&low != half || s-p == c && s-c == p || math.IsInf(s, 0) || math.IsNaN(s) {
		return float32(s)
	}
	// Not exact: rounded to odd, the second rounding goes the right way.
	a, d := p, c
	if math.Abs(a) < math.Abs(d) {
		a, d = d, a
	}
	if e := d - (s - a); e != 0 {
		if (e > 0) == (s > 0) {
			b++
		} else {
			b--
		}
	}
	return float32(math.Float64frombits(b))
}

// eachBit calls do for the places of the bits that are set.
func eachBit(mask uint16, do func(i int)) {
	for ; mask != 0; mask &= mask - 1 {
		do(bits.TrailingZeros16(mask))
	}
}
