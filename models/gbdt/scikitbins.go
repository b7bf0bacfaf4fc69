package gbdt

import (
	"cmp"
	"math"
	"slices"
)

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

// mostWeighed is the number of rows up to which bins go by weights: scikit-learn draws so many of more by their weights, and then weighs them no more.
const mostWeighed = 200_000

// weightedScikitCutter is scikitCutter for rows with weights: quantiles are those of the weights, and rows without any have no say.
func weightedScikitCutter(maxBin int, categorical []bool, weights []float32) cutter {
	plain := scikitCutter(maxBin, categorical)
	return func(s *sampler, f int, column []float32, low, high float32) feature {
		if f < len(categorical) && categorical[f] || len(column) > mostWeighed {
			return plain(s, f, column, low, high)
		}
		feat := feature{}
		var values []weighed
		for r, v := range column {
			if v != v {
				feat.missing = true
			} else if weights[r] > 0 {
				values = append(values, weighed{float64(v), float64(weights[r])})
			}
		}
		bins := min(maxBin, maxBins)
		if feat.missing {
			bins = min(bins, maxBins-1)
		}
		for _, cut := range weightedMiddles(values, bins) {
			feat.cuts = append(feat.cuts, above32(cut))
		}
		feat.cuts = append(feat.cuts, float32(math.Inf(1)))
		return feat
	}
}

// weightedMiddles is middles of values that weigh something, in any order.
func weightedMiddles(values []weighed, bins int) []float64 {
	slices.SortStableFunc(values, func(a, b weighed) int { return cmp.Compare(a.value, b.value) })
	var sorted []float32
	kinds := 0
	for i, v := range values {
		if sorted = append(sorted, float32(v.value)); i == 0 || v.value != values[i-1].value {
			kinds++
		}
	}
	if kinds <= 1 {
		return nil
	}
	if kinds <= bins {
		return middles(sorted, bins)
	}
	sums, total := make([]float64, len(values)), 0.0
	for i, v := range values {
		total += v.weight
		sums[i] = total
	}
	var cuts []float64
	for k := 1; k < bins; k++ {
		at := float64(k) * (100 / float64(bins)) / 100 * total
		i, _ := slices.BinarySearch(sums, at)
		i = min(i, len(values)-1)
		cut := values[i].value
		if sums[i]-at <= 0x1p-52 {
			cut = (cut + values[min(i+1, len(values)-1)].value) / 2
		}
		if len(cuts) == 0 || cut > cuts[len(cuts)-1] {
			cuts = append(cuts, cut)
		}
	}
	return cuts
}
