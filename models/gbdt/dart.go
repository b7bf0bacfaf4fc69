package gbdt

import "slices"

// dartParams are the parameters of booster dart.
type dartParams struct {
	rate     float64 // rate_drop
	skip     float64 // skip_drop
	one      bool    // one_drop
	weighted bool    // sample_type weighted: trees of larger weight are dropped more often
	forest   bool    // normalize_type forest
}

// dart is boosting with dropout (Rashmi and Gilad-Bachrach 2015, as XGBoost's Dart): each round is fitted to what the trees leave over without
// those that are dropped for this round, and then the new trees and the dropped ones share what they all explain.
type dart struct {
	t       *trainer
	trees   []tree
	weights []float32 // of each tree
	drop    []int     // trees that the round goes without, ascending
	full    []float64 // margins with all trees, row-major
	dropped []float64 // what the dropped trees add to them
}

// newDart starts from the trainer's margins without trees.
func newDart(t *trainer) *dart {
	d := &dart{t: t, full: make([]float64, len(t.margins)), dropped: make([]float64, len(t.margins))}
	for i, m := range t.margins {
		d.full[i] = float64(m)
	}
	return d
}

// choose draws the trees that a round goes without.
func (d *dart) choose(round int) {
	p := &d.t.params
	d.drop = d.drop[:0]
	n := uint64(round)
	if p.dart.skip > 0 && unit(draw(p.seed, drawSkip, n)) < p.dart.skip || len(d.trees) == 0 {
		return
	}
	total := 0.0
	for _, w := range d.weights {
		total += float64(w)
	}
	for i, w := range d.weights {
		chance := p.dart.rate
		if p.dart.weighted {
			chance *= float64(len(d.weights)) * float64(w) / total
		}
		if unit(draw(p.seed, drawDrop, n, uint64(i))) < chance {
			d.drop = append(d.drop, i)
		}
	}
	if !p.dart.one || len(d.drop) > 0 {
		return
	}
	at := unit(draw(p.seed, drawDrop, n))
	if !p.dart.weighted {
		d.drop = append(d.drop, int(at*float64(len(d.trees))))
		return
	}
	at *= total
	for i, w := range d.weights {
		if at -= float64(w); at < 0 || i == len(d.weights)-1 {
			d.drop = append(d.drop, i)
			return
		}
	}
}

// begin takes the dropped trees out of the trainer's margins.
func (d *dart) begin(round int) {
	d.choose(round)
	t := d.t
	groups := t.plan.groups
	few, keep := d.drop, false
	if len(d.drop)*2 > len(d.trees) {
		few, keep = d.kept(), true
	}
	t.eachRow(20*(len(few)+1), func(from, to int) {
		sums := d.dropped[from*groups : to*groups]
		for i := range sums {
			sums[i] = 0
			if keep {
				sums[i] = float64(t.plan.base)
			}
		}
		for _, i := range few {
			k := i / t.params.parallelTrees % groups
			w := float64(d.weights[i])
			for r := from; r < to; r++ {
				sums[(r-from)*groups+k] += w * float64(d.trees[i].value(t.data.Row(r)))
			}
		}
		full, margins := d.full[from*groups:], t.margins[from*groups:]
		for i, s := range sums {
			if keep { // sums are the margins, and the rest was dropped
				margins[i], sums[i] = float32(s), full[i]-s
			} else {
				margins[i] = float32(full[i] - s)
			}
		}
	})
}

// kept is the trees that are not dropped.
func (d *dart) kept() []int {
	var out []int
	for i := range d.trees {
		if _, dropped := slices.BinarySearch(d.drop, i); !dropped {
			out = append(out, i)
		}
	}
	return out
}

// end weighs the trees of the round, whose values the trainer has added to its margins, and makes these those of all trees again.
func (d *dart) end(grown []tree) {
	factor, own := float32(1), float32(1)
	if n := len(d.drop); n > 0 {
		rate := float32(d.t.params.eta / float64(len(grown)))
		if d.t.params.dart.forest {
			factor = 1 / (1 + rate)
			own = factor
		} else {
			factor = float32(n) / (float32(n) + rate)
			own = 1 / (float32(n) + rate)
		}
	}
	for _, i := range d.drop {
		d.weights[i] *= factor
	}
	for range grown {
		d.weights = append(d.weights, own)
	}
	d.trees = append(d.trees, grown...)
	t := d.t
	groups := t.plan.groups
	t.eachRow(4, func(from, to int) {
		for i := from * groups; i < to*groups; i++ {
			without := d.full[i] - d.dropped[i]
			added := float64(t.margins[i]) - float64(float32(without))
			d.full[i] = without + float64(factor)*d.dropped[i] + float64(own)*added
			t.margins[i] = float32(d.full[i])
		}
	})
}

// scaled is the trees with their weights in their leaves.
func (d *dart) scaled() []tree {
	out := make([]tree, len(d.trees))
	for i, t := range d.trees {
		out[i] = tree{nodes: slices.Clone(t.nodes), stats: t.stats}
		for j := range out[i].nodes {
			if n := &out[i].nodes[j]; n.feature == leaf {
				n.value *= d.weights[i]
			}
		}
	}
	return out
}
