package gbdt

import "math"

// leafScanner looks for the best split of a node by leafRules. A histogram holds no numbers of rows: they are estimated from the second derivatives, as
// LightGBM does, which is exact where these are all the same, or the rows are gone through once more.
type leafScanner struct {
	rules  *leafRules
	best   split
	node   sum
	rows   int
	parent float64 // the node's own output
	shift  float64 // what a split has to beat
	factor float64 // rows for a unit of second derivatives
	key    uint64
	idle   []bool // the node's, of which this scanner changes those of its features only
	// where the rules want true numbers of rows
	bins    *binned
	members []int32
	tally   [maxBins]int32
	useful  bool // the feature at hand has a split that is worth something
}

func (t *trainer) newLeafScanner(o *open, node sum) *leafScanner {
	l := t.rules
	if o == nil {
		return &leafScanner{rules: l}
	}
	node.h += 2 * epsilon
	s := &leafScanner{rules: l, node: node, rows: o.to - o.from, parent: o.output, idle: o.idle, bins: t.bins, members: t.rows[o.from:o.to]}
	s.shift = l.gainOf(node, l.l2, l.plain(node, l.l2)) + l.minGain
	if l.maxStep <= 0 {
		g := l.threshold(node.g)
		s.shift = g*g/(node.h+l.l2) + l.minGain
	}
	s.factor = float64(s.rows) / node.h
	s.key = draw(l.seed, drawThreshold, t.number, o.place)
	return s
}

func (s *leafScanner) found() split { return s.best }

// count is the number of rows in a bin, or LightGBM's estimate of it.
func (s *leafScanner) count(bin int, hist *histogram) int {
	if s.rules.counted {
		return int(s.tally[bin])
	}
	return int(hist[bin].h*s.factor + .5)
}

// any is a draw below n for a feature.
func (s *leafScanner) any(f int32, n int) int {
	if n <= 0 {
		return 0
	}
	return int(draw(s.key, uint64(f)) % uint64(n))
}

// feature tries the cuts of a feature, or its sets of categories.
func (s *leafScanner) feature(f int32, feat *feature, hist *histogram) {
	if s.idle[f] {
		return
	}
	s.useful = false
	if s.rules.counted {
		clear(s.tally[:])
		column := s.bins.columns[f]
		for _, r := range s.members {
			s.tally[column[r]]++
		}
	}
	s.cuts(f, feat, hist)
	s.idle[f] = !s.useful && s.rules.inherited
}

func (s *leafScanner) cuts(f int32, feat *feature, hist *histogram) {
	if feat.codes != nil {
		s.categories(f, feat, hist)
		return
	}
	bins := feat.bins()
	only := -1
	if s.rules.random {
		// The last cut is never drawn, as in LightGBM.
		only = s.any(f, bins-2)
		if feat.missing {
			only = s.any(f, bins-1)
		}
	}
	if s.rules.fromLow {
		s.up(f, feat, hist, only)
		if feat.missing {
			s.down(f, feat, hist, only)
		}
		return
	}
	s.down(f, feat, hist, only)
	if feat.missing {
		s.up(f, feat, hist, only)
	}
}

// down tries cuts from the highest on. Missing values are on the left.
func (s *leafScanner) down(f int32, feat *feature, hist *histogram, only int) {
	l := s.rules
	right := sum{h: epsilon}
	rows := 0
	for bin := feat.bins() - 1; bin >= 1; bin-- {
		right.g += hist[bin].g
		right.h += hist[bin].h
		rows += s.count(int(bin), hist)
		if rows < l.minData || right.h < l.minHessian {
			continue
		}
		left := s.node.minus(right)
		if s.rows-rows < l.minData || left.h < l.minHessian {
			break
		}
		if only >= 0 && bin-1 != only {
			continue
		}
		s.try(f, feat, bin-1, left, right, s.rows-rows, true)
	}
}

// up tries cuts from the lowest on. Missing values are on the right, where they may be alone.
func (s *leafScanner) up(f int32, feat *feature, hist *histogram, only int) {
	l := s.rules
	last := feat.bins() - 1
	if !feat.missing {
		last--
	}
	left := sum{h: epsilon}
	rows, first := 0, 0
	if feat.rest && feat.missing {
		// The estimate of the rows in the first bin then makes up for the errors of all others.
		first = 1
		left, rows = sum{s.node.g, s.node.h - epsilon}, s.rows
		for bin := 1; bin <= last; bin++ {
			left = left.minus(hist[bin])
			rows -= s.count(int(bin), hist)
		}
		left = left.minus(hist[missingBin])
		rows -= s.count(int(missingBin), hist)
	}
	for bin := 0; bin <= last; bin++ {
		if bin >= first {
			left.g += hist[bin].g
			left.h += hist[bin].h
			rows += s.count(int(bin), hist)
		}
		if rows < l.minData || left.h < l.minHessian {
			continue
		}
		right := s.node.minus(left)
		if s.rows-rows < l.minData || right.h < l.minHessian {
			break
		}
		if only >= 0 && bin != only {
			continue
		}
		s.try(f, feat, bin, left, right, rows, false)
	}
}

// wins computes the gain of a split, 0 when it is not better than the best so far.
func (s *leafScanner) wins(left, right sum, l2 float64, leftRows int) float64 {
	l := s.rules
	gain := l.gain(left, l2, leftRows, s.parent) + l.gain(right, l2, s.rows-leftRows, s.parent)
	s.useful = s.useful || gain > s.shift
	if !(gain > s.shift) || !(gain-s.shift > s.best.gain) || math.IsInf(gain, 0) {
		return 0
	}
	return gain - s.shift
}

// set keeps a split.
func (s *leafScanner) set(f int32, gain float64, left, right sum, l2 float64, leftRows int) {
	l := s.rules
	s.best = split{gain: gain, feature: f,
		left: sum{left.g, left.h - epsilon}, right: sum{right.g, right.h - epsilon},
		outputs: [2]float64{l.smoothed(left, l2, leftRows, s.parent), l.smoothed(right, l2, s.rows-leftRows, s.parent)},
	}
}

func (s *leafScanner) try(f int32, feat *feature, bin int, left, right sum, leftRows int, missingLeft bool) {
	gain := s.wins(left, right, s.rules.l2, leftRows)
	if gain == 0 {
		return
	}
	s.set(f, gain, left, right, s.rules.l2, leftRows)
	s.best.bin, s.best.threshold, s.best.defaultLeft = int32(bin), feat.cuts[bin], missingLeft
	if !feat.missing {
		s.best.defaultLeft = 0 < feat.cuts[bin]
	}
}
