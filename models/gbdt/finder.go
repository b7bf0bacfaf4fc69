package gbdt

import "slices"

// finder looks for the best split of one node, feature by feature.
type finder interface {
	feature(f int32, feat *feature, hist *histogram)
	found() split
}

var _, _ finder = (*scanner)(nil), (*leafScanner)(nil)

func (s *scanner) found() split { return s.best }

// finder is that of the library whose rules the trainer follows.
func (t *trainer) finder(o *open, node sum) finder {
	if t.rules != nil {
		return t.newLeafScanner(o, node)
	}
	s := t.newScanner(o, node)
	return &s
}

// binSet is a set of bins.
type binSet [maxBins / 64]uint64

func (b *binSet) add(bin int) { b[bin>>6] |= 1 << (bin & 63) }

func (b *binSet) has(bin int) bool { return b[bin>>6]>>(bin&63)&1 == 1 }

// sides writes 1 for the bins that go left: those of the set, or the others when missing values do.
func (b *binSet) sides(left *[maxBins]uint8, defaultLeft bool) {
	for bin := range left {
		if b.has(bin) != defaultLeft {
			left[bin] = 1
		}
	}
}

// codes is the set of categories of a split, nil when it has none.
func (t *trainer) codes(s *split) *categories {
	if s.set == nil {
		return nil
	}
	c := &categories{left: !s.defaultLeft}
	for bin, code := range t.bins.features[s.feature].codes {
		if s.set.has(bin) {
			c.codes = append(c.codes, code)
		}
	}
	slices.Sort(c.codes)
	return c
}
