package gbdt

import (
	"math"
	"slices"
)

// catCutter chooses borders as CatBoost's GreedyLogSum does. Its borders are included on the left where ours are excluded.
func catCutter(borders int) cutter {
	return func(s *sampler, _ int, column []float32, low, high float32) feature {
		values, missing := s.sorted(column, low)
		feat := feature{missing: missing}
		n := min(borders, maxBins-1)
		if missing {
			n = min(borders-1, maxBins-2) // one border parts them from the values
		}
		for _, b := range greedyLogSum(values, n) {
			feat.cuts = append(feat.cuts, above32(float64(b)))
		}
		feat.cuts = append(feat.cuts, float32(math.Inf(1)))
		feat.below = float32(math.Inf(-1))
		return feat
	}
}

// piece is a run of sorted values that may be cut in two.
type piece struct {
	from, to int
	at       int     // the best cut: its first value on the right; from when there is none
	gain     float64 // of the cut
}

// pieces is a heap, the best cut first. Many pieces gain the same, and only so many are cut; which, depends on how a heap moves its members about. This one does
// as C++'s std::priority_queue (libc++'s, that CatBoost is built with), so that the same are.
type pieces []piece

func (p *pieces) push(x piece) {
	*p = append(*p, x)
	p.rise(len(*p) - 1)
}

// rise moves a member up to where it belongs.
func (p *pieces) rise(at int) {
	list := *p
	x := list[at]
	for at > 0 && list[(at-1)/2].gain < x.gain {
		list[at] = list[(at-1)/2]
		at = (at - 1) / 2
	}
	list[at] = x
}

// pop takes the first member: the hole goes down to a leaf, the last member is put there and rises.
func (p *pieces) pop() piece {
	list := *p
	first, last := list[0], len(list)-1
	hole := 0
	for 2*hole+1 <= last {
		child := 2*hole + 1
		if child < last && list[child].gain < list[child+1].gain {
			child++
		}
		list[hole] = list[child]
		hole = child
	}
	list[hole] = list[last]
	*p = list[:last]
	if hole < last {
		p.rise(hole)
	}
	return first
}

// greedyLogSum cuts sorted values most times times, always where the sum of the logarithms of the pieces' lengths gains most, near the middle of a piece
// (CatBoost's TGreedyBinarizer with the penalty MaxSumLog). It returns the borders in ascending order.
func greedyLogSum(sorted []float32, most int) []float32 {
	weight := func(n int) float64 { return math.Log(float64(n) + 1e-8) }
	newPiece := func(from, to int) piece {
		middle := sorted[from+(to-from)/2]
		below, _ := slices.BinarySearch(sorted[from:to], middle)
		above, _ := slices.BinarySearchFunc(sorted[from:to], middle, func(v, m float32) int {
			if v <= m {
				return -1
			}
			return 1
		})
		p := piece{from: from, to: to, at: from, gain: math.Inf(-1)}
		for _, n := range []int{below, above} {
			if n == 0 || n == to-from {
				continue
			}
			if gain := weight(n) + weight(to-from-n) - weight(to-from); gain > p.gain {
				p.at, p.gain = from+n, gain
			}
		}
		return p
	}
	queue := &pieces{newPiece(0, len(sorted))}
	var borders []float32
	for len(borders) < most && (*queue)[0].at > (*queue)[0].from {
		p := queue.pop()
		borders = append(borders, sorted[p.at-1]/2+sorted[p.at]/2)
		queue.push(newPiece(p.from, p.at))
		queue.push(newPiece(p.at, p.to))
	}
	slices.Sort(borders)
	return slices.Compact(borders) // rounding may have made one of two
}
