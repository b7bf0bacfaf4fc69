package gbdt

import (
	"container/heap"
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

// pieces is a heap, the best cut first.
type pieces []piece

func (p pieces) Len() int { return len(p) }
func (p pieces) Less(i, j int) bool {
	if p[i].gain != p[j].gain {
		return p[i].gain > p[j].gain
	}
	return p[i].from < p[j].from
}
func (p pieces) Swap(i, j int) { p[i], p[j] = p[j], p[i] }
func (p *pieces) Push(x any)   { *p = append(*p, x.(piece)) }
func (p *pieces) Pop() any {
	last := (*p)[len(*p)-1]
	*p = (*p)[:len(*p)-1]
	return last
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
	for len(borders) < most && queue.Len() > 0 {
		p := heap.Pop(queue).(piece)
		if p.at == p.from {
			continue
		}
		a, b := sorted[p.at-1], sorted[p.at]
		border := a/2 + b/2
		if border >= b || border < a { // rounding: still between the two
			border = a
		}
		borders = append(borders, border)
		heap.Push(queue, newPiece(p.from, p.at))
		heap.Push(queue, newPiece(p.at, p.to))
	}
	slices.Sort(borders)
	return borders
}
