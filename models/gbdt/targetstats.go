package gbdt

import (
	"cmp"
	"math"
	"slices"

	"github.com/pgowl/pgowl/models/learn"
)

// Ordered target statistics (Prokhorenkova et al. 2018): a category becomes the share of a class among the rows with that category that come before the row in
// a random order, so that no row knows its own label. What is learned of the shares of all rows is, for whoever predicts, a set of categories: those whose share
// is above the border.

// ctrBorders is the number of borders between shares, which are 1/16 apart.
const ctrBorders = 15

// targetFeature is a feature that training has made of categories.
type targetFeature struct {
	source int32
	codes  []float32 // the categories, in ascending order
	bins   []uint8   // of each
	unseen uint8     // of others
	oneHot bool      // is one category or is not
}

// split makes a node that splits at a cut: by the set of the categories that are on the other side than those that nobody has seen, and that missing values
// go with. Where no category is, all go there.
func (f *targetFeature) split(n *node, cut int32) {
	unseenLeft := int32(f.unseen) <= cut
	set := &categories{left: !unseenLeft}
	for i, bin := range f.bins {
		if (int32(bin) <= cut) != unseenLeft {
			set.codes = append(set.codes, f.codes[i])
		}
	}
	n.feature, n.defaultLeft = f.source, unseenLeft
	if len(set.codes) > 0 {
		n.set = set
		return
	}
	if n.value = -math.MaxFloat32; unseenLeft {
		n.value = math.MaxFloat32
	}
}

// ctrBin is the bin of a share.
func ctrBin(share float64) uint8 { return uint8(min(max(int(share*(ctrBorders+1)), 0), ctrBorders)) }

// counts of a category.
type tallied struct {
	all  float64
	hits []float64 // by class
}

// targetFeatures makes the statistics of a column of categories: for each class (but the last) and prior a feature, and one of how frequent the category is. Few
// categories, at most oneHot, give a feature each instead, that is or is not. The columns hold bins.
func targetFeatures(d *learn.Dataset, f, oneHot int, seed uint64) (features []targetFeature, columns [][]uint8) {
	classes, hit := targetClasses(d)
	all := map[float32]*tallied{}
	column := make([]*tallied, d.Rows)
	var codes []float32
	for r := range d.Rows {
		code := category(d.Row(r)[f])
		c := all[code]
		if c == nil {
			c = &tallied{hits: make([]float64, classes)}
			all[code] = c
			if code >= 0 && code <= maxCategory { // others are missing: they are no member of a set
				codes = append(codes, code)
			}
		}
		column[r] = c
		c.all++
		for k := range c.hits {
			if hit(r, k) {
				c.hits[k]++
			}
		}
	}
	slices.Sort(codes)
	if len(codes) <= oneHot {
		return oneHotFeatures(d, f, codes)
	}
	final := func(unseen float64, share func(c *tallied) float64) targetFeature {
		t := targetFeature{source: int32(f), codes: codes, unseen: ctrBin(unseen)}
		for _, code := range codes {
			t.bins = append(t.bins, ctrBin(share(all[code])))
		}
		return t
	}
	largest := 0.0
	for _, c := range all {
		largest = max(largest, c.all)
	}
	frequency := func(c *tallied) float64 { return c.all / (largest + 1) }
	features = append(features, final(0, frequency))
	bins := make([]uint8, d.Rows)
	for r, c := range column {
		bins[r] = ctrBin(frequency(c))
	}
	columns = append(columns, bins)
	priors := []float64{0, .5, 1}
	for k := range classes {
		for _, prior := range priors {
			features = append(features, final(prior, func(c *tallied) float64 { return (c.hits[k] + prior) / (c.all + 1) }))
			columns = append(columns, make([]uint8, d.Rows))
		}
	}
	for _, c := range all {
		c.all = 0
		clear(c.hits)
	}
	for _, r := range shuffled(d.Rows, seed) {
		c := column[r]
		for k := range classes {
			for i, prior := range priors {
				columns[1+k*len(priors)+i][r] = ctrBin((c.hits[k] + prior) / (c.all + 1))
			}
			if hit(r, k) {
				c.hits[k]++
			}
		}
		c.all++
	}
	return features, columns
}

// targetClasses is the number of classes whose shares are taken, and whether a row is in one: those of a classification but the last of them, or the upper
// half of a regression's labels.
func targetClasses(d *learn.Dataset) (int, func(r, k int) bool) {
	if d.Classes > 0 {
		return max(1, d.Classes-1), func(r, k int) bool { return int(d.Y[r]) == d.Classes-1-k }
	}
	sorted := slices.Clone(d.Y)
	slices.Sort(sorted)
	border := (float64(sorted[(len(sorted)-1)/2]) + float64(sorted[len(sorted)/2])) / 2
	return 1, func(r, _ int) bool { return float64(d.Y[r]) > border }
}

// oneHotFeatures has 1 for the rows of a category, for each of them.
func oneHotFeatures(d *learn.Dataset, f int, codes []float32) (features []targetFeature, columns [][]uint8) {
	for i, code := range codes {
		t := targetFeature{source: int32(f), codes: codes, bins: make([]uint8, len(codes)), oneHot: true}
		t.bins[i] = 1
		column := make([]uint8, d.Rows)
		for r := range d.Rows {
			if category(d.Row(r)[f]) == code {
				column[r] = 1
			}
		}
		features, columns = append(features, t), append(columns, column)
	}
	return features, columns
}

// shuffled is 0 to n-1 in an order that seed draws.
func shuffled(n int, seed uint64) []int {
	order, keys := make([]int, n), make([]uint64, n)
	for i := range order {
		order[i], keys[i] = i, draw(seed, drawPermutation, uint64(i))
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(keys[a], keys[b]), cmp.Compare(a, b)) })
	return order
}

// extended is bins with columns of small numbers of bins behind its own.
func extended(b *binned, features []targetFeature, columns [][]uint8) *binned {
	out := &binned{rows: b.rows, features: slices.Clone(b.features), columns: append(slices.Clone(b.columns), columns...)}
	for i := range features {
		most := uint8(0)
		for _, bin := range columns[i] {
			most = max(most, bin)
		}
		// Cuts that are not looked at, but counted.
		out.features = append(out.features, feature{cuts: make([]float32, int(most)+1), targets: &features[i]})
	}
	groups := (len(out.features) + groupWidth - 1) / groupWidth
	out.groups = make([][]uint8, groups)
	for g := range out.groups {
		stride, width := out.stride(g), out.width(g)
		group := make([]uint8, b.rows*stride)
		for j := range width {
			for r, bin := range out.columns[g*groupWidth+j] {
				group[r*stride+j] = bin
			}
		}
		out.groups[g] = group
	}
	return out
}
