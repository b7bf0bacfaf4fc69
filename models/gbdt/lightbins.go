package gbdt

import (
	"cmp"
	"math"
	"slices"
)

// zeroWithin is the distance from 0 up to which a value counts as 0 (LightGBM's kZeroThreshold).
const zeroWithin = 1e-35

// lightCutter chooses bins as LightGBM's BinMapper does: zero has a bin of its own, rare values share one. Its bounds are included where ours are excluded, so
// that each is moved to the next float32. categorical may be nil.
func lightCutter(maxBin, minInBin int, categorical []bool) cutter {
	maxBin = min(maxBin, maxBins)
	return func(s *sampler, f int, column []float32, low, high float32) feature {
		values, missing := s.sorted(column, low)
		if f < len(categorical) && categorical[f] {
			return categoryBins(values, s.size(column), maxBin, minInBin)
		}
		feat := feature{missing: missing}
		bins := maxBin
		if missing {
			bins--
		}
		for _, bound := range lightBounds(distinct(values), max(bins, 1), minInBin) {
			feat.cuts = append(feat.cuts, above32(bound))
		}
		feat.rest = restFirst(feat.cuts, values, float64(s.size(column)))
		return feat
	}
}

// restFirst says whether LightGBM keeps no sums for the first bin of a feature: it leaves out the bin of zero, or the one that holds at least 7 of 10 rows.
func restFirst(cuts, sorted []float32, total float64) bool {
	const many = .7
	most, at := float64(0), 0
	from := 0
	for bin, bound := range cuts {
		to := from
		for to < len(sorted) && sorted[to] < bound {
			to++
		}
		if n := float64(to - from); n > most {
			most, at = n, bin
		}
		from = to
	}
	if gaps := total - float64(len(sorted)); gaps > most {
		most, at = gaps, len(cuts)
	}
	if most/total >= many {
		return at == 0
	}
	return cuts[0] > 0
}

// above32 is the smallest float32 that is larger than bound: what is below it is at most bound.
func above32(bound float64) float32 {
	f := float32(bound)
	if float64(f) > bound || math.IsInf(bound, 1) {
		return f
	}
	return math.Nextafter32(f, float32(math.Inf(1)))
}

// counted is a value and the number of times that it is there.
type counted struct {
	value float64
	n     int
}

// distinct counts sorted values. What is as good as 0 is 0; between negative and positive values there always is one, maybe of no row.
func distinct(sorted []float32) []counted {
	var out []counted
	for _, v32 := range sorted {
		v := float64(v32)
		if math.Abs(v) <= zeroWithin {
			v = 0
		}
		last := len(out) - 1
		if last >= 0 && out[last].value == v {
			out[last].n++
			continue
		}
		if last >= 0 && out[last].value < 0 && v > 0 {
			out = append(out, counted{0, 0})
		}
		out = append(out, counted{v, 1})
	}
	return out
}

func rows(values []counted) int {
	n := 0
	for _, v := range values {
		n += v.n
	}
	return n
}

// lightBounds is BinMapper's FindBinWithZeroAsOneBin.
func lightBounds(values []counted, maxBin, minInBin int) []float64 {
	left, zero := 0, 0
	for left < len(values) && values[left].value < 0 {
		left++
	}
	if left < len(values) && values[left].value == 0 {
		zero = 1
	}
	negative, positive := values[:left], values[left+zero:]
	var bounds []float64
	if len(negative) > 0 && maxBin > 1 {
		share := float64(rows(negative)) / float64(rows(negative)+rows(positive))
		bounds = greedyBounds(negative, max(1, int(share*float64(maxBin-1))), minInBin)
		bounds[len(bounds)-1] = -zeroWithin
	}
	rest := maxBin - 1 - len(bounds)
	if len(positive) > 0 && rest > 0 {
		bounds = append(bounds, zeroWithin)
		return append(bounds, greedyBounds(positive, rest, minInBin)...)
	}
	return append(bounds, math.Inf(1))
}

// greedyBounds is LightGBM's GreedyFindBin: bins of about equal numbers of rows, values with many rows having one of their own. The last bound is infinite.
func greedyBounds(values []counted, maxBin, minInBin int) []float64 {
	var bounds []float64
	add := func(low, high float64) {
		middle := math.Nextafter((low+high)/2, math.Inf(1))
		if len(bounds) == 0 || middle > math.Nextafter(bounds[len(bounds)-1], math.Inf(1)) {
			bounds = append(bounds, middle)
		}
	}
	last := len(values) - 1
	if len(values) <= maxBin {
		in := 0
		for i := range last {
			in += values[i].n
			if in < minInBin {
				continue
			}
			before := len(bounds)
			add(values[i].value, values[i+1].value)
			if len(bounds) > before {
				in = 0
			}
		}
		return append(bounds, math.Inf(1))
	}
	total := rows(values)
	if minInBin > 0 {
		maxBin = max(1, min(maxBin, total/minInBin))
	}
	mean := float64(total) / float64(maxBin)
	restBins, restRows := maxBin, total
	big := make([]bool, len(values))
	for i, v := range values {
		if float64(v.n) >= mean {
			big[i] = true
			restBins--
			restRows -= v.n
		}
	}
	mean = float64(restRows) / float64(restBins) // of no bins: infinite or NaN, and no value but the big ones ends a bin
	in, made := 0, 0
	for i := range last {
		if !big[i] {
			restRows -= values[i].n
		}
		in += values[i].n
		if !big[i] && !(float64(in) >= mean) && !(big[i+1] && float64(in) >= max(1, mean/2)) {
			continue
		}
		add(values[i].value, values[i+1].value)
		made++
		if made >= maxBin-1 {
			break
		}
		in = 0
		if !big[i] {
			restBins--
			mean = float64(restRows) / float64(restBins)
		}
	}
	return append(bounds, math.Inf(1))
}

// categoryBins gives the frequent categories a bin each, the most frequent first: at least 99 of 100 rows have one, as far as a byte can name them. The others
// are as good as missing. total is the number of rows, with those that have no value.
func categoryBins(sorted []float32, total, maxBin, minInBin int) feature {
	var codes []counted
	for _, v := range sorted {
		code := float64(category(v))
		switch last := len(codes) - 1; {
		case code < 0 || code > maxCategory:
		case last >= 0 && codes[last].value == code:
			codes[last].n++
		default:
			codes = append(codes, counted{code, 1})
		}
	}
	known := rows(codes)
	slices.SortStableFunc(codes, func(a, b counted) int { return cmp.Compare(b.n, a.n) })
	feat := feature{missing: true, codes: []float32{}}
	named := len(codes)
	if known < len(sorted) || len(sorted) < total {
		named++
	}
	most := min(named, maxBin)
	enough := int(float64(known)*float64(float32(.99)) + .5)
	used := 0
	for i, c := range codes {
		// The bin of what is missing counts.
		if used >= enough && i+1 >= most || i > 1 && c.n < minInBin || i == missingBin {
			break
		}
		feat.codes = append(feat.codes, float32(c.value))
		used += c.n
	}
	return feat
}
