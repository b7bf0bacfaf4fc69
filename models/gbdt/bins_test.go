package gbdt

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/pgowl/pgowl/models/crew"
)

// A value's bin is the number of cuts that are at most it, with vectors and without.
func TestFill(t *testing.T) {
	dice := rand.New(rand.NewPCG(3, 4))
	c, release := crew.New(context.Background(), 1)
	defer release()
	for n := range maxBins + 1 {
		var cuts []float32
		for len(cuts) < n {
			cuts = append(cuts, float32(dice.IntN(1000))/8)
			slices.Sort(cuts)
			cuts = slices.Compact(cuts)
		}
		column := make([]float32, 1+dice.IntN(700))
		for i := range column {
			switch dice.IntN(6) {
			case 0:
				column[i] = float32(math.NaN())
			case 1:
				column[i] = []float32{0, float32(math.Copysign(0, -1)), math.SmallestNonzeroFloat32, -math.MaxFloat32, math.MaxFloat32, 125}[dice.IntN(6)]
			case 2:
				if n > 0 {
					column[i] = cuts[dice.IntN(n)]
				}
			default:
				column[i] = float32(dice.IntN(4000)) / 32
			}
		}
		b := &binned{rows: len(column), features: []feature{{cuts: cuts, missing: true}}, columns: make([][]uint8, 1)}
		stride := b.stride(0)
		b.groups = [][]uint8{make([]uint8, stride*len(column))}
		b.fill(0, column, c)
		inner := cuts[:max(0, n-1)]
		ranked, group := make([]uint8, len(column)), make([]uint8, stride*len(column))
		b.rank(column, rankTable(inner), ranked, group, stride, c)
		for r, v := range column {
			want := uint8(missingBin)
			if v == v {
				want = 0
				for _, cut := range inner {
					if cut <= v {
						want++
					}
				}
			}
			if got := []uint8{b.columns[0][r], b.groups[0][r*stride], ranked[r], group[r*stride]}; got[0] != want || got[1] != want || got[2] != want || got[3] != want {
				t.Fatalf("%d cuts: %v is in the bins %v, want %d", n, v, got, want)
			}
		}
	}
}
