package gbdt

import "math"

// search finds the best split of cells among those by the features of a set. key is what its draws depend on, path the monotone constraints
// of the splits so far. Of splits with the same score it is the first, but
// those of features with two bins come last: CatBoost looks at them in packs.
func (o *oblivious) search(cells []cell, set []int32, key int, path []int8) obliviousSplit {
	t := o.t
	bound := constrained(path)
	found := make([]obliviousSplit, len(set))
	t.crew.Each(len(set), len(set)*len(cells)*maxBins*8, func(i int) {
		if bound || o.signOf(set[i]) != 0 {
			found[i] = o.scanMonotone(cells, set[i], key, path)
		} else {
			found[i] = o.scan(cells, set[i], key)
		}
	})
	o.bestCategories(found)
	best := obliviousSplit{score: math.Inf(-1), split: split{feature: -1}}
	for _, packed := range []bool{false, true} {
		for _, f := range found {
			if f.feature < 0 || packed != o.packed(f.feature) {
				continue
			}
			f.score = f.gain + o.draw(key, f.feature, 0)
			if f.score > best.score {
				best = f
			}
		}
	}
	return best
}

// bestCategories leaves of the features that are one category each only the one that scores most, for each feature that they are made of: to CatBoost they are the
// cuts of that one.
func (o *oblivious) bestCategories(found []obliviousSplit) {
	best := map[int32]int{}
	for i := range found {
		if found[i].feature < 0 {
			continue
		}
		target := o.t.bins.features[found[i].feature].targets
		if target == nil || !target.oneHot {
			continue
		}
		other, is := best[target.source]
		switch {
		case !is:
			best[target.source] = i
		case found[i].score > found[other].score:
			found[other].feature, best[target.source] = -1, i
		default:
			found[i].feature = -1
		}
	}
}

// packed says whether a feature has two bins.
func (o *oblivious) packed(f int32) bool {
	feat := &o.t.bins.features[f]
	bins := feat.bins()
	if feat.missing {
		bins++
	}
	return bins <= 2 && feat.targets == nil
}

// allowed are the features that a level chooses from: each with the same chance, and now and then none.
func (o *oblivious) allowed(level int) []int32 {
	if o.share >= 1 {
		return o.t.used
	}
	var set []int32
	for _, f := range o.t.used {
		if unit(draw(o.seed, drawLevel, o.t.number, uint64(level), uint64(f))) < o.share {
			set = append(set, f)
		}
	}
	return set
}

// cuts are the first and the last cut of a feature.
func (o *oblivious) cuts(feat *feature) (first, last int) {
	last = feat.bins() - 2
	switch {
	case feat.missing && o.high:
		last++
	case feat.missing:
		first = -1 // missing values alone on the left
	}
	return first, last
}

// scan tries all cuts of a feature.
func (o *oblivious) scan(cells []cell, f int32, key int) obliviousSplit {
	feat := &o.t.bins.features[f]
	best := obliviousSplit{score: math.Inf(-1), split: split{feature: -1, defaultLeft: !o.high}}
	first, last := o.cuts(feat)
	if last < first {
		return best
	}
	var above, below [maxBins + 1]float64 // of the fraction of each cut's score
	for _, c := range cells {
		for k, hist := range c.hists {
			if hist == nil {
				continue
			}
			h, total := &hist[f], c.sums[k]
			var left sum
			if feat.missing && !o.high {
				left = h[missingBin]
			}
			for cut := first; cut <= last; cut++ {
				if cut >= 0 {
					left.g, left.h = left.g+h[cut].g, left.h+h[cut].h
				}
				right := total.minus(left)
				o.add(left, &above[cut+1], &below[cut+1])
				o.add(right, &above[cut+1], &below[cut+1])
			}
		}
	}
	for cut := first; cut <= last; cut++ {
		best.offer(o, above[cut+1], below[cut+1], f, cut, key)
	}
	return best
}

// offer takes a cut that scores more, by the fraction of its score and a draw.
func (best *obliviousSplit) offer(o *oblivious, above, below float64, f int32, cut, key int) {
	gain := above
	if !o.plain {
		gain /= math.Sqrt(max(below, 1e-100))
	}
	score := gain + o.draw(key, f, cut+2)
	if !(score > best.score) {
		return
	}
	best.score, best.feature, best.bin, best.gain = score, f, int32(cut), gain
	feat := &o.t.bins.features[f]
	best.threshold = feat.below
	if cut >= 0 && feat.codes == nil && feat.targets == nil {
		best.threshold = feat.cuts[cut]
	}
}

// draw is what is added to a score by chance: to that of a feature's cut, from 1 on, and once more to that of its best cut, 0, when it is compared with those of
// other features.
func (o *oblivious) draw(key int, f int32, cut int) float64 {
	if o.noise <= 0 {
		return 0
	}
	return o.noise * normal(draw(o.seed, drawNoise, o.t.number, uint64(key), uint64(f), uint64(cut)))
}

// add adds a leaf to the fraction of a score.
func (o *oblivious) add(s sum, above, below *float64) {
	if s.h <= 0 {
		return
	}
	mean := s.g / (s.h + o.l2)
	*above += s.g * mean
	*below += s.h * mean * mean
}

// normal turns a hash into a draw of the normal distribution (Box and Muller).
func normal(h uint64) float64 {
	u, v := 1-unit(h), unit(mix(h))
	return math.Sqrt(-2*math.Log(u)) * math.Cos(2*math.Pi*v)
}
