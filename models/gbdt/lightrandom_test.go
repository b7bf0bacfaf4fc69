package gbdt

import (
	"slices"
	"testing"
)

// The values of std::mt19937 with its default seed: the first, and the ten thousandth, which the C++ standard names.
func TestMersenne(t *testing.T) {
	m := newMersenne(5489)
	first, last := m.next(), uint32(0)
	for range 9999 {
		last = m.next()
	}
	if first != 3499211612 || last != 4123659995 {
		t.Errorf("%d, and %d in the end", first, last)
	}
	for range 1000 {
		if n := m.upTo(6); n > 6 {
			t.Fatal(n)
		}
		if u := m.unit(); u < 0 || u >= 1 {
			t.Fatal(u)
		}
	}
}

func TestLightSample(t *testing.T) {
	r := lightRandom(1)
	for _, c := range []struct{ n, k, want int }{{10, 0, 0}, {3, 5, 0}, {7, 7, 7}, {1000, 4, 4}, {100, 60, 60}, {1, 1, 1}} {
		got := r.sample(c.n, c.k)
		if len(got) != c.want || !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != c.want {
			t.Errorf("%d of %d: %v", c.k, c.n, got)
		}
		for _, v := range got {
			if v < 0 || int(v) >= c.n {
				t.Errorf("%d of %d: %v", c.k, c.n, got)
			}
		}
	}
}
