package gbdt

import "math"

// leafScanner looks for the best split of a node by leafRules. A histogram holds no numbers of rows: they are estimated from the second derivatives, as
// LightGBM does, which is exact where these are all the same, or the rows are gone through once more.
type leafScanner struct {
	rules    *leafRules
	best     split
	node     sum
	rows     int
	parent   float64 // the node's own output
	bounds   bounds  // of the children's outputs, where the rules have signs
	sign     int8    // of the feature at hand
	depth    int
	shift    float64       // what a split has to beat
	setShift float64       // what one by a set has to
	unit     sum           // of the sums, 0: 1; see trainer.unit
	tiny     float64       // what sums of second derivatives begin with
	least    float64       // smallest sum of a leaf, in units
	factor   float64       // rows for a unit of second derivatives
	idle     []bool        // the node's, of which this scanner changes those of its features only
	may      []bool        // features that may win, nil: all
	lots     []lightRandom // by feature, where the rules want random cuts
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
	s := &leafScanner{
		rules: l, may: o.may, bounds: o.bounds, depth: o.depth, node: node, rows: o.to - o.from, parent: o.output, idle: o.idle, bins: t.bins,
		members: t.rows[o.from:o.to], unit: t.unit, least: l.minHessian,
	}
	if t.unit == (sum{}) {
		s.tiny = epsilon
		s.node.h += 2 * epsilon
	} else {
		s.least /= t.unit.h
	}
	whole := s.real(s.node)
	s.shift = l.gain(whole, l.l2, s.rows, s.parent) + l.minGain
	s.setShift = s.shift
	if l.smooth > epsilon {
		s.setShift = l.gainOf(whole, l.l2, s.parent) + l.minGain
	}
	s.factor = float64(s.rows) / s.node.h
	if t.columns != nil {
		s.lots = t.columns.thresholds
	}
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

// counted is the number of rows of a side: with rounded gradients LightGBM estimates it from their sum, not bin by bin.
func (s *leafScanner) counted(bins int, of sum) int {
	if s.unit == (sum{}) {
		return bins
	}
	return int(of.h*s.factor + .5)
}

// any is a draw below n for a feature.
func (s *leafScanner) any(f int32, n int) int {
	if n <= 0 {
		return 0
	}
	return s.lots[f].below(n)
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
	before := s.best
	s.best = split{}
	s.sign = s.rules.sign(f, feat)
	s.cuts(f, feat, hist)
	if s.sign != 0 {
		s.best.gain *= s.rules.depthFactor(s.depth)
	}
	if s.may != nil && !s.may[f] || !(s.best.gain > before.gain) {
		s.best = before
	}
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
		numbered := bins
		if feat.missing {
			numbered++
		}
		only = s.any(f, numbered-2)
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
	right := sum{h: s.tiny}
	counted := 0
	for bin := feat.bins() - 1; bin >= 1; bin-- {
		right.g += hist[bin].g
		right.h += hist[bin].h
		counted += s.count(int(bin), hist)
		rows := s.counted(counted, right)
		if rows < l.minData || right.h < s.least {
			continue
		}
		left := s.node.minus(right)
		if s.rows-rows < l.minData || left.h < s.least {
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
	left := sum{h: s.tiny}
	counted, first := 0, 0
	if feat.rest && feat.missing {
		// The estimate of the rows in the first bin then makes up for the errors of all others.
		first = 1
		left, counted = sum{s.node.g, s.node.h - s.tiny}, s.rows
		for bin := 1; bin <= last; bin++ {
			left = left.minus(hist[bin])
			counted -= s.count(int(bin), hist)
		}
		left = left.minus(hist[missingBin])
		counted -= s.count(int(missingBin), hist)
	}
	for bin := 0; bin <= last; bin++ {
		if bin >= first {
			left.g += hist[bin].g
			left.h += hist[bin].h
			counted += s.count(int(bin), hist)
		}
		rows := s.counted(counted, left)
		if rows < l.minData || left.h < s.least {
			continue
		}
		right := s.node.minus(left)
		if s.rows-rows < l.minData || right.h < s.least {
			break
		}
		if only >= 0 && bin != only {
			continue
		}
		s.try(f, feat, bin, left, right, rows, false)
	}
}

// wins computes the gain of a split, 0 when it is not better than the best so far.
func (s *leafScanner) wins(left, right sum, l2 float64, leftRows int, shift float64) float64 {
	l := s.rules
	left, right = s.real(left), s.real(right)
	var gain float64
	if l.signs == nil {
		gain = l.gain(left, l2, leftRows, s.parent) + l.gain(right, l2, s.rows-leftRows, s.parent)
	} else {
		low, high := s.output(left, l2, leftRows), s.output(right, l2, s.rows-leftRows)
		if !(s.sign > 0 && low > high) && !(s.sign < 0 && low < high) {
			gain = l.gainOf(left, l2, low) + l.gainOf(right, l2, high)
		}
	}
	s.useful = s.useful || gain > shift
	if !(gain > shift) || !(gain-shift > s.best.gain) || math.IsInf(gain, 0) {
		return 0
	}
	return gain - shift
}

// set keeps a split.
func (s *leafScanner) set(f int32, gain float64, left, right sum, l2 float64, leftRows int) {
	s.best = split{gain: gain, feature: f,
		left: sum{left.g, left.h - s.tiny}, right: sum{right.g, right.h - s.tiny},
		outputs: [2]float64{s.output(s.real(left), l2, leftRows), s.output(s.real(right), l2, s.rows-leftRows)},
	}
}

// scaled is a sum as it is in the loss.
func (s *leafScanner) scaled(of sum) sum {
	if s.unit == (sum{}) {
		return of
	}
	return sum{of.g * s.unit.g, of.h * s.unit.h}
}

// real is scaled for outputs and gains, which take no zero.
func (s *leafScanner) real(of sum) sum {
	of = s.scaled(of)
	of.h += epsilon - s.tiny
	return of
}

// output is that of a child.
func (s *leafScanner) output(of sum, l2 float64, rows int) float64 {
	w := s.rules.smoothed(of, l2, rows, s.parent)
	if s.rules.signs != nil {
		return s.bounds.clip(w)
	}
	return w
}

func (s *leafScanner) try(f int32, feat *feature, bin int, left, right sum, leftRows int, missingLeft bool) {
	gain := s.wins(left, right, s.rules.l2, leftRows, s.shift)
	if gain == 0 {
		return
	}
	s.set(f, gain, left, right, s.rules.l2, leftRows)
	s.best.bin, s.best.threshold, s.best.defaultLeft = int32(bin), feat.cuts[bin], missingLeft
	if !feat.missing {
		s.best.defaultLeft = 0 < feat.cuts[bin]
	}
}
