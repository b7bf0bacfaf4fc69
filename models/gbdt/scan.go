package gbdt

import "math"

// split is the best split of a node that has been found.
type split struct {
	gain        float64 // 0: none
	feature     int32
	bin         int32 // bins up to this go left; -1 when only missing values do
	threshold   float32
	defaultLeft bool
	left, right sum
	set         *binSet    // of a split by categories: the bins that go the other way than missing values
	outputs     [2]float64 // of the children, where the trainer has rules of its own
}

// scanner looks for the best split of one node.
type scanner struct {
	p         *params
	node      sum
	nodeScore float32
	best      split
	// floor is what the sum of both children's scores must reach, in float64 and a little less than the best so far:
	// most candidates are dismissed by it, without a division.
	floor float64
	// always is set where the floor does not hold: the scores are not plain fractions with L1 or a largest step.
	always bool
	lambda float64
	signs  []int8 // monotone constraints, or nil
	limits limits // of the node, with signs
}

// newScanner starts on an open node, which may be nil, with this sum.
func (t *trainer) newScanner(o *open, node sum) scanner {
	s := newScanner(&t.params, node)
	if o != nil && t.limited.signs != nil {
		s.signs, s.limits, s.always = t.limited.signs, o.limits, true
		s.nodeScore = s.p.limitedScore(node, o.outer.clip(float32(s.p.weight(node))))
		s.lift()
	}
	return s
}

func newScanner(p *params, node sum) scanner {
	s := scanner{p: p, node: node, nodeScore: p.nodeScore(node), lambda: p.lambda, always: p.alpha != 0 || p.maxDeltaStep != 0}
	s.lift()
	return s
}

func (s *scanner) lift() {
	s.floor = (s.best.gain + float64(s.nodeScore)) * (1 - 1e-6)
}

// feature tries every cut of one feature: first with missing values to the right, then, if there are any, to the left.
// Equal gains keep what was found first (SplitEntry::NeedReplace).
func (s *scanner) feature(f int32, feat *feature, hist *histogram) {
	bins := len(feat.cuts)
	missing := feat.missing && hist[missingBin].h != 0
	last := bins - 1
	if !missing {
		last-- // beyond it everything would be on one side
	}
	if last < 0 {
		return
	}
	least := s.p.minChildWeight
	var left sum
	for i := 0; i <= last; i++ {
		left.g += hist[i].g
		left.h += hist[i].h
		if left.h < least {
			continue
		}
		right := s.node.minus(left)
		if right.h < least {
			break // and from here on it only gets less
		}
		if s.promising(left, right) {
			s.try(left, right, f, int32(i), feat.cuts[i], false)
		}
	}
	if !missing {
		return
	}
	var right sum
	for i := bins - 1; i >= 0; i-- {
		right.g += hist[i].g
		right.h += hist[i].h
		if right.h < least {
			continue
		}
		left := s.node.minus(right)
		if left.h < least {
			break
		}
		if s.promising(left, right) {
			threshold := feat.below
			if i > 0 {
				threshold = feat.cuts[i-1]
			}
			s.try(left, right, f, int32(i-1), threshold, true)
		}
	}
}

// promising compares the scores with the floor as fractions of a common denominator. It is inlined.
func (s *scanner) promising(left, right sum) bool {
	dl, dr := left.h+s.lambda, right.h+s.lambda
	return left.g*left.g*dr+right.g*right.g*dl >= s.floor*(dl*dr) || s.always
}

func (s *scanner) try(left, right sum, f, bin int32, threshold float32, defaultLeft bool) {
	if left.h <= 0 || right.h <= 0 {
		return
	}
	gain := float64(s.p.score(left) + s.p.score(right) - s.nodeScore) // a float32 until here
	if s.signs != nil {
		both, allowed := s.limitedGain(left, right, f)
		if !allowed {
			return
		}
		gain = float64(both - s.nodeScore)
	}
	if !(gain > s.best.gain) || math.IsInf(gain, 0) {
		return
	}
	s.best = split{gain: gain, feature: f, bin: bin, threshold: threshold, defaultLeft: defaultLeft, left: left, right: right}
	s.lift()
}

// worth says whether the split is to be made (CPUExpandEntry::IsValid, without the limits of the tree).
func (s *split) worth(p *params) bool {
	return s.gain > float64(float32(leastGain)) && s.gain >= p.gamma
}
