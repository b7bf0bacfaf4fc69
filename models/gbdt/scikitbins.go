package gbdt

import "math"

// scikitCutter chooses bins as scikit-learn's _BinMapper does: cuts in the middle between neighbours while there are no more values than bins, else at
// quantiles. Its thresholds are included where ours are excluded.
func scikitCutter(maxBin int, categorical []bool) cutter {
	return func(s *sampler, f int, column []float32, low, high float32) feature {
		values, missing := s.sorted(column, low)
		if f < len(categorical) && categorical[f] {
			return categoryBins(values, s.size(column), maxBins, 1)
		}
		feat := feature{missing: missing}
		bins := min(maxBin, maxBins)
		if missing {
			bins = min(bins, maxBins-1)
		}
		for _, cut := range middles(values, bins) {
			feat.cuts = append(feat.cuts, above32(cut))
		}
		feat.cuts = append(feat.cuts, float32(math.Inf(1)))
		return feat
	}
}

// middles are the thresholds between at most bins bins of sorted values, in ascending order.
func middles(sorted []float32, bins int) []float64 {
	var cuts []float64
	kinds := 1
	for i, v := range sorted[1:] {
		if v != sorted[i] {
			kinds++
		}
	}
	if kinds <= bins {
		for i, v := range sorted[1:] {
			if v != sorted[i] {
				cuts = append(cuts, (float64(sorted[i])+float64(v))/2)
			}
		}
		return cuts
	}
	for k := 1; k < bins; k++ {
		// numpy's percentile with the method "averaged_inverted_cdf", with its rounding.
		at := float64(k)*(100/float64(bins))/100*float64(len(sorted)) - 1
		i := int(math.Floor(at))
		cut := float64(sorted[min(i+1, len(sorted)-1)])
		if at == float64(i) {
			cut = (float64(sorted[i]) + cut) / 2
		}
		if len(cuts) == 0 || cut > cuts[len(cuts)-1] {
			cuts = append(cuts, cut)
		}
	}
	return cuts
}
