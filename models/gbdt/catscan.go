package gbdt

import (
	"cmp"
	"slices"
)

// categories tries to split by sets of categories (FeatureHistogram::FindBestThresholdCategoricalInner): one against the rest where they are few,
// else the beginnings and the ends of their order by gradient. Values that are missing, rare or new are never in the set.
func (s *leafScanner) categories(f int32, feat *feature, hist *histogram) {
	bins := feat.bins()
	numbered := bins + 1 // LightGBM counts the bin of what is missing
	if numbered <= s.rules.cat.maxOneHot {
		s.oneAgainstRest(f, hist, bins)
		return
	}
	s.sets(f, hist, bins)
}

func (s *leafScanner) oneAgainstRest(f int32, hist *histogram, bins int) {
	l := s.rules
	only := -1
	if l.random {
		only = s.any(f, bins)
	}
	for bin := range bins {
		one := hist[bin]
		rows := s.count(bin, hist)
		if rows < l.minData || one.h < s.least || s.rows-rows < l.minData {
			continue
		}
		one.h += s.tiny
		rest := s.node.minus(one)
		if rest.h < s.least || only >= 0 && bin != only {
			continue
		}
		gain := s.wins(one, rest, l.l2, rows, s.setShift)
		if gain == 0 {
			continue
		}
		s.set(f, gain, one, rest, l.l2, rows)
		s.best.set = &binSet{}
		s.best.set.add(bin)
	}
}

func (s *leafScanner) sets(f int32, hist *histogram, bins int) {
	l := s.rules
	order := make([]int, 0, bins)
	for bin := range bins {
		if float64(s.count(bin, hist)) >= l.cat.smooth {
			order = append(order, bin)
		}
	}
	place := func(bin int) float64 {
		of := s.scaled(hist[bin])
		return of.g / (of.h + l.cat.smooth)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(place(a), place(b)) })
	most := min(l.cat.maxThreshold, (len(order)+1)/2)
	only := -1
	if l.random {
		only = s.any(f, max(most-1, 0))
	}
	l2 := l.l2 + l.cat.l2
	for range 2 { // from the low end, then from the high one
		left := sum{h: s.tiny}
		rows, group := 0, 0
		for i, bin := range order[:most] {
			left.g += hist[bin].g
			left.h += hist[bin].h
			n := s.count(bin, hist)
			rows += n
			group += n
			if rows < l.minData || left.h < s.least {
				continue
			}
			right := s.node.minus(left)
			if s.rows-rows < max(l.minData, l.cat.minGroup) || right.h < s.least {
				break
			}
			if group < l.cat.minGroup {
				continue
			}
			group = 0
			if only >= 0 && i != only {
				continue
			}
			gain := s.wins(left, right, l2, rows, s.setShift)
			if gain == 0 {
				continue
			}
			s.set(f, gain, left, right, l2, rows)
			s.best.set = &binSet{}
			for _, b := range order[:i+1] {
				s.best.set.add(b)
			}
		}
		slices.Reverse(order)
	}
}
