package gbdt

import (
	"math/rand/v2"
	"testing"
)

// The assembly and its twin add the same to the lanes that count, and neither reads or writes beyond.
func TestLanes(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	for width := 1; width <= groupWidth; width++ {
		b := binned{features: make([]feature, width)}
		stride := b.stride(0)
		for _, n := range []int{0, 1, 2, 15, 16, 17, 63, 64, 65, 200} {
			const rows = 300
			bins, values := make([]uint8, rows*stride), make([]int64, rows)
			some := make([]int32, n)
			for i := range bins {
				bins[i] = uint8(dice.Uint32())
			}
			for i := range values {
				values[i] = int64(dice.Uint64()) >> 16
			}
			for i := range some {
				some[i] = int32(dice.IntN(rows))
			}
			if n > 1 {
				some[0], some[n-1] = rows-1, rows-1
			}
			got, want := new(lanes), new(lanes)
			got.add(bins, stride, width, some, values)
			want.addGo(bins, stride, width, some, values)
			var plain lanes
			for _, r := range some {
				for f := range width {
					plain[f][bins[int(r)*stride+f]] += values[r]
				}
			}
			for f := range width {
				if got[f] != plain[f] || want[f] != plain[f] {
					t.Fatalf("%d of %d features, %d rows: other sums", f, width, n)
				}
			}
			for _, l := range []*lanes{got, want} {
				l.clear(width)
				if *l != (lanes{}) {
					t.Fatalf("%d features: something is left after clear", width)
				}
			}
		}
	}
}
