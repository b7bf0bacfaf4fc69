package gbdt

import (
	"math"
	"slices"
	"testing"
)

// With the bar, the expected number of rows is the one that is wanted.
func TestMVSBar(t *testing.T) {
	many := make([]float64, 3000)
	for i := range many {
		many[i] = unit(mix(uint64(i))) * unit(mix(uint64(i)+1e6))
	}
	for name, sizes := range map[string][]float64{"one": {2}, "equal": {1, 1, 1, 1}, "far apart": {1e-9, 1, 1e9}, "some 0": {0, 0, 0, 3, 4}, "many": many} {
		for _, share := range []float64{.1, .5, .8, .99} {
			before := slices.Clone(sizes)
			bar := mvsBar(sizes, share*float64(len(sizes)))
			got, positive := 0.0, 0.0
			for _, s := range sizes {
				got += min(1, s/bar)
				positive += float64(b2i(s > 0))
			}
			// Rows without a gradient are never drawn.
			if want := min(share*float64(len(sizes)), positive); math.Abs(got-want) > 1e-9*float64(len(sizes)) || !slices.Equal(before, sizes) {
				t.Errorf("%s, %v: with the bar %v come %v rows, want %v", name, share, bar, got, want)
			}
		}
	}
	if bar := mvsBar([]float64{0, 0}, 1); bar != 0 {
		t.Errorf("the bar of rows without gradients is %v", bar)
	}
}
