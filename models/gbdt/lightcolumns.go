package gbdt

import "slices"

// lightColumns says which features a tree and a node may be split by (LightGBM's ColSampler).
type lightColumns struct {
	random        lightRandom
	tree, node    float64   // shares
	valid         []int32   // features that have something to split
	used          []int32   // of the tree
	sets          [][]int32 // interaction_constraints, nil: none
	features      int
	seed          uint32 // extra_seed
	thresholds    []lightRandom
	drawsInSearch bool // a node that is searched changes what later ones draw
}

// newLightColumns starts on binned data. LightGBM draws once before the first tree.
func newLightColumns(p *params, seeds lightSeeds, b *binned, sets [][]int32) *lightColumns {
	c := &lightColumns{random: lightRandom(seeds.features), tree: p.light.share, node: p.light.nodeShare, sets: sets, features: len(b.features), seed: seeds.extra}
	for f := range b.features {
		feat := &b.features[f]
		if n := feat.bins(); !(n > 1 || n == 1 && feat.missing) {
			continue
		}
		if p.light.preFilter && b.hopeless(f, p.light.rules.minData) {
			continue
		}
		c.valid = append(c.valid, int32(f))
	}
	c.ofTree()
	if p.light.rules.random {
		c.seedThresholds(b.rows)
	}
	c.drawsInSearch = c.node < 1 || p.light.rules.random
	return c
}

// hopeless says whether no split by a feature leaves so many rows on both sides (LightGBM's NeedFilter). It leaves such features out, which changes the draws among the
// others.
func (b *binned) hopeless(f, least int) bool {
	feat := &b.features[f]
	var counts [maxBins]int
	for _, bin := range b.columns[f] {
		counts[bin]++
	}
	enough := func(n int) bool { return n >= least && b.rows-n >= least }
	if feat.codes != nil {
		// The bin of what is missing counts as one.
		return feat.bins() <= 1 && !enough(counts[0])
	}
	left := 0
	for bin := range feat.bins() {
		if left += counts[bin]; enough(left) {
			return false
		}
	}
	return true
}

// seedThresholds gives each feature its generator for extra_trees. LightGBM numbers the features after it has shuffled them (Dataset's FastFeatureBundling); it does
// so with bundles of them, of which there are none here.
func (c *lightColumns) seedThresholds(rows int) {
	order := slices.Clone(c.valid)
	shuffle := lightRandom(rows)
	for i := range len(order) - 1 {
		j := shuffle.short()%(len(order)-i-1) + i + 1
		order[i], order[j] = order[j], order[i]
	}
	c.thresholds = make([]lightRandom, c.features)
	for i, f := range order {
		c.thresholds[f] = lightRandom(c.seed + uint32(i))
	}
}

// shareOf is how many of n features make a share, one at least.
func shareOf(n int, share float64) int { return max(roundHalf(float64(n)*share), min(1, n)) }

// ofTree draws the features of the next tree.
func (c *lightColumns) ofTree() []int32 {
	c.used = c.valid
	if c.tree < 1 {
		c.used = pick(c.valid, c.random.sample(len(c.valid), shareOf(len(c.valid), c.tree)))
	}
	return c.used
}

func pick(from, places []int32) []int32 {
	out := make([]int32, len(places))
	for i, p := range places {
		out[i] = from[p]
	}
	return out
}

// ofNode draws the features of a node below splits by the features of path; nil is all that the tree uses.
func (c *lightColumns) ofNode(path []int32) []bool {
	if c.node >= 1 && c.sets == nil {
		return nil
	}
	from := c.used
	if c.sets != nil {
		meets := c.meeting(path)
		from = slices.DeleteFunc(slices.Clone(c.used), func(f int32) bool { return !meets[f] })
	}
	if c.node < 1 {
		from = pick(from, c.random.sample(len(from), min(shareOf(len(c.used), c.node), len(from))))
	}
	may := make([]bool, c.features)
	for _, f := range from {
		may[f] = true
	}
	return may
}

// meeting are the features that may come below those of path: these themselves, and the sets that hold them all. Features in no set are in no tree.
func (c *lightColumns) meeting(path []int32) []bool {
	out := make([]bool, c.features)
	for _, f := range path {
		out[f] = true
	}
	for _, set := range c.sets {
		missing := func(f int32) bool { _, ok := slices.BinarySearch(set, f); return !ok }
		if slices.ContainsFunc(path, missing) {
			continue
		}
		for _, f := range set {
			out[f] = true
		}
	}
	return out
}
