package nearest

import (
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

// What the processor's vectors say is what Go says, to the bit.
func TestScanAssembly(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	for name, set := range kernelSets() {
		for _, k := range set {
			for range 60 {
				pairs, groups := 1+dice.IntN(40), 1+dice.IntN(5)
				tiles := groups * k.tiles
				p := pass{tiles: make([]uint32, tiles*pairs*tileRows), queries: make([]float32, 2*pairs*k.queries)}
				for i := range p.tiles {
					low, _ := split(float32(dice.NormFloat64()))
					high, _ := split(float32(dice.NormFloat64()))
					p.tiles[i] = uint32(high)<<16 | uint32(low)
				}
				for range dice.IntN(3) {
					p.tiles[dice.IntN(len(p.tiles))] = 0x7fc07f80 // NaN, infinity
				}
				p.queries, p.scales, p.least = randomVector(dice, len(p.queries)), randomVector(dice, tiles*tileRows), randomVector(dice, k.queries)
				p.scores, p.masks = make([]float32, tiles*k.queries*tileRows), make([]uint16, tiles*k.queries)
				want := p
				want.scores, want.masks = slices.Clone(p.scores), slices.Clone(p.masks)
				scanGo(&want, pairs, tiles, k.queries)
				k.scan(&p, pairs, groups)
				for i := range p.scores {
					a, b := p.scores[i], want.scores[i]
					if math.Float32bits(a) != math.Float32bits(b) && (a == a || b == b) {
						t.Fatalf("%s, %d queries, %d pairs: score %d is %x, in Go %x", name, k.queries, pairs, i, math.Float32bits(a), math.Float32bits(b))
					}
				}
				if !slices.Equal(p.masks, want.masks) {
					t.Fatalf("%s, %d queries: masks %x, in Go %x", name, k.queries, p.masks, want.masks)
				}
			}
		}
	}
}

// One rounding, and in the right direction, for numbers whose sum lies near the middle of two floats, too.
func TestFMA(t *testing.T) {
	dice := rand.New(rand.NewPCG(3, 4))
	for range 500_000 {
		x, y := float32(dice.NormFloat64()), float32(dice.NormFloat64())
		z := float32(dice.NormFloat64()) * float32(math.Ldexp(1, dice.IntN(60)-30))
		if dice.IntN(2) == 0 { // few bits: middles
			x, y = float32(dice.IntN(1<<13))+1, float32(dice.IntN(1<<13))*0x1p-13
			z = float32(dice.IntN(1<<24)) * float32(math.Ldexp(1, dice.IntN(30)-15))
		}
		p := new(big.Float).SetPrec(300).Mul(big.NewFloat(float64(x)), big.NewFloat(float64(y)))
		want, _ := p.Add(p, big.NewFloat(float64(z))).Float32()
		if got := fma32(x, y, z); got != want {
			t.Fatalf("%g * %g + %g = %g, not %g", x, y, z, want, got)
		}
	}
}
