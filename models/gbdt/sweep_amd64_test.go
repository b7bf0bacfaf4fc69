package gbdt

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// What the processor's vectors say is what Go says.
func TestSweepAssembly(t *testing.T) {
	if !sweeps {
		t.Skip("this processor has no AVX2")
	}
	dice := rand.New(rand.NewPCG(7, 8))
	for range 300 {
		cuts := make([]float32, 1+dice.IntN(maxRank))
		for i := range cuts {
			cuts[i] = float32(dice.NormFloat64())
		}
		if dice.IntN(2) == 0 {
			copy(cuts, odd)
		}
		slices.Sort(cuts)
		cuts = slices.Compact(cuts)
		c := newSweepColumn(columnKey{0, dice.IntN(2) == 0}, cuts)
		width, rows := 1+dice.IntN(5), dice.IntN(sweepRows+1)
		x := make([]float32, width*rows)
		for i := range x {
			switch dice.IntN(4) {
			case 0:
				x[i] = float32(dice.NormFloat64())
			case 1:
				x[i] = math.Float32frombits(dice.Uint32())
			default:
				x[i] = cuts[dice.IntN(len(cuts))]
			}
		}
		var got, want [sweepRows]uint8
		rankColumnGo(&want, x, width, rows, c.table, c.missing)
		rankColumnAVX2(&got, x, width, rows, c.table, c.missing)
		if got != want {
			t.Fatalf("ranks of %d rows among %v, missing %d:\n got %v\nwant %v", rows, cuts, c.missing, got, want)
		}

		codes := make([]uint8, sweepRows*(1+dice.IntN(9)))
		for i := range codes {
			codes[i] = uint8(dice.Uint32())
		}
		nodes := make([]uint64, dice.IntN(256))
		for i := range nodes {
			// Few leaves, so that some rows stand where a node is.
			column, first := dice.IntN(len(codes)/sweepRows), dice.IntN(1+i)
			nodes[i] = uint64(column*sweepRows) | uint64(dice.IntN(256))<<32 | uint64(first)<<40 | uint64(min(first+1+dice.IntN(3), 255))<<48
		}
		sweepTreeGo(&want, codes, nodes)
		sweepTreeAVX2(&got, codes, nodes)
		if got != want {
			t.Fatalf("leaves by %x:\n got %v\nwant %v", nodes, got, want)
		}
	}
}
