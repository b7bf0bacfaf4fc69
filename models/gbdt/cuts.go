package gbdt

import "math"

// maxBins is the number of bins that a byte can name.
const maxBins = 256

// missingBin holds the rows without a value, in features that have such rows; these have one bin less for values.
const missingBin = 255

// sketchRows is the number of rows that quantiles are taken from.
const sketchRows = 1 << 18

// feature says how the values of one column are binned: a value is in the first bin whose cut is larger.
type feature struct {
	cuts    []float32 // upper bound of each bin, excluded; the last is larger than every value
	below   float32   // smaller than every value: the threshold that sends missing rows alone to the left
	missing bool
	rest    bool           // LightGBM has no sums for the first bin: it is what the others leave
	targets *targetFeature // of a feature that training has made: what it stands for
	codes   []float32      // of a feature of categories: the code of each bin, and no cuts; what has no bin is missing
}

// bins is the number of bins for values.
func (f *feature) bins() int { return max(len(f.cuts), len(f.codes)) }

// rank is an entry of a quantile summary: a value, the weight of the smaller ones, and that with its own.
type rank struct {
	value    float32
	min, max float32
}

func (r rank) own() float32 { return r.max - r.min }

// cut chooses the bins from sorted values, high being the largest of the whole column. It follows
// XGBoost's HostSketchContainer::MakeCuts: a cut is a value of the data, the smallest in its right side. The ranks here are
// exact; XGBoost's come from a stream and are so only while a column has few values (2048 with 256 bins), so that up to
// there the cuts are the same and beyond it they are near. ranks is room, which may be used again.
func cut(sorted []float32, high float32, bins int, ranks []rank) (cuts []float32, room []rank) {
	ranks = ranks[:0]
	for i := 0; i < len(sorted); {
		j := i + 1
		for j < len(sorted) && sorted[j] == sorted[i] {
			j++
		}
		ranks = append(ranks, rank{sorted[i], float32(i), float32(j)})
		i = j
	}
	return cutRanks(ranks, high, bins), ranks
}

// cutRanks is cut for values that have been ranked.
func cutRanks(ranks []rank, high float32, bins int) []float32 {
	ranks = prune(ranks, bins+1)
	cuts := make([]float32, 0, bins)
	for _, r := range ranks[1:max(1, min(len(ranks), bins))] {
		cuts = append(cuts, r.value)
	}
	return append(cuts, high+(float32(math.Abs(float64(high)))+1e-5))
}

// prune thins a summary to at most size entries at about equal distance in rank (WQSummary::SetPrune, in float32 like
// there, so that the same cuts come out).
func prune(src []rank, size int) []rank {
	if len(src) <= size {
		return src
	}
	last := len(src) - 1
	begin := src[0].max
	span := src[last].min - src[0].max
	out := append(make([]rank, 0, size), src[0])
	if span == 0 || size <= 2 {
		return append(out, src[last])
	}
	span = max(span, 1e-3)
	n := size - 1
	i, taken := 1, 0
	for k := 1; k < n; k++ {
		twice := 2 * (float32(k)*span/float32(n) + begin)
		for i < last && twice >= src[i+1].max+src[i+1].min {
			i++
		}
		if i == last {
			break
		}
		pick := i + 1
		if twice < (src[i].min+src[i].own())+(src[i+1].max-src[i+1].own()) {
			pick = i
		}
		if pick != taken {
			out = append(out, src[pick])
			taken = pick
		}
	}
	if taken != last {
		out = append(out, src[last])
	}
	return out
}

// sortFloats sorts numbers (no NaN) by three passes of 11 bits; scratch is as long as v. It returns the one of the two
// that holds the result.
func sortFloats(v []float32, keys, scratch []uint32) []uint32 {
	var counts [3][2048]int32
	for i, x := range v {
		k := key(x)
		keys[i] = k
		counts[0][k&2047]++
		counts[1][k>>11&2047]++
		counts[2][k>>22]++
	}
	for pass := range counts {
		shift := uint(11 * pass)
		sum := int32(0)
		c := &counts[pass]
		for b := range c {
			c[b], sum = sum, sum+c[b]
		}
		for _, k := range keys {
			b := k >> shift & 2047
			scratch[c[b]] = k
			c[b]++
		}
		keys, scratch = scratch, keys
	}
	return keys
}

// key is a number that sorts like x.
func key(x float32) uint32 {
	k := math.Float32bits(x)
	return k ^ (uint32(int32(k)>>31) | 0x80000000)
}

// unkey turns a sort key back into its number.
func unkey(k uint32) float32 {
	if k&0x80000000 != 0 {
		return math.Float32frombits(k &^ 0x80000000)
	}
	return math.Float32frombits(^k)
}
