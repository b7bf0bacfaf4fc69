package gbdt

import (
	"math"
	"slices"
)

// lightRandom is LightGBM's generator (its class Random), so that bagging, sampling and dropping draw what they draw there with one thread.
type lightRandom uint32

func (r *lightRandom) next() uint32 {
	*r = 214013**r + 2531011
	return uint32(*r)
}

// short is a draw of 15 bits.
func (r *lightRandom) short() int { return int(r.next() >> 16 & 0x7fff) }

// below is a draw from 0 to n-1; n is 1 or more.
func (r *lightRandom) below(n int) int { return int(r.next()&math.MaxInt32) % n }

// float is a draw from 0 to 1, 1 excluded.
func (r *lightRandom) float() float64 { return float64(r.short()) / (1 << 15) }

// sample draws k of the numbers 0 to n-1, in ascending order.
func (r *lightRandom) sample(n, k int) []int32 {
	if k > n || k <= 0 {
		return nil
	}
	out := make([]int32, 0, k)
	switch {
	case k == n:
		for i := range n {
			out = append(out, int32(i))
		}
	case k > 1 && float64(k) > float64(n)/math.Log2(float64(k)):
		for i := range n {
			if r.float() < float64(k-len(out))/float64(n-i) {
				out = append(out, int32(i))
			}
		}
	default:
		drawn := make(map[int32]bool, k)
		for i := n - k; i < n; i++ {
			v := int32(r.below(i + 1))
			if drawn[v] {
				v = int32(i)
			}
			drawn[v] = true
			out = append(out, v)
		}
		slices.Sort(out)
	}
	return out
}

// lightSeeds are those of LightGBM's generators.
type lightSeeds struct{ data, bagging, drop, features, extra uint32 }

// seedsOf draws them from the seed that a client gives.
func seedsOf(seed uint64) lightSeeds {
	r := lightRandom(seed)
	short := func() uint32 { return uint32(r.short() % math.MaxInt16) }
	s := lightSeeds{data: short(), bagging: short(), drop: short(), features: short()}
	short() // objective_seed, of an objective that is not here
	s.extra = short()
	return s
}

// defaultSeeds are LightGBM's, of a client who gives no seed.
var defaultSeeds = lightSeeds{data: 1, bagging: 3, drop: 4, features: 2, extra: 6}

// roundHalf is LightGBM's RoundInt.
func roundHalf(x float64) int { return int(x + .5) }
