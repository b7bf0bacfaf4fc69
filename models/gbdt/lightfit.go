package gbdt

// lightFit is what LightGBM does beside what a recipe says.
type lightFit struct {
	seeds   lightSeeds
	seed    uint32
	sketch  int       // bin_construct_sample_cnt
	sets    [][]int32 // interaction_constraints
	linear  bool      // linear_tree
	ridge   float64   // linear_lambda
	dart    *lightDart
	stop    *lightStopper // nil: all rounds
	quant   *quantized
	flat    bool // the second derivatives are all 1
	rounded *discretizer
}

// sketchRows draws the rows that bins are chosen from, nil: all.
func (l *lightFit) sketchRows(rows int) []int32 {
	if l.sketch >= rows {
		return nil
	}
	r := lightRandom(l.seeds.data)
	return r.sample(rows, l.sketch)
}

// begin prepares a fit whose data are binned.
func (l *lightFit) begin(c *course) {
	c.t.columns = newLightColumns(&c.params, l.seeds, c.t.bins, l.sets)
	if l.quant != nil {
		_, sampled := c.bag.(*goss)
		l.rounded = newDiscretizer(*l.quant, c.t.data.Rows, l.flat && !sampled, l.seed)
	}
}

// growRounded makes a tree from gradients that are rounded first.
func (l *lightFit) growRounded(t *trainer, grads []gradient) tree {
	whole, unit := l.rounded.round(grads)
	t.unit = unit
	grown := t.growOn(whole)
	if !l.rounded.renew || len(grown.nodes) == 1 {
		return grown
	}
	t.crew.Each(len(t.leaves), len(t.rows)*2, func(i int) {
		s := t.leaves[i]
		var of sum
		for _, r := range t.rows[s.from:s.to] {
			of.g += float64(grads[r].g)
			of.h += float64(grads[r].h)
		}
		grown.nodes[s.node].value = float32(t.rules.output(of, s.to-s.from) * t.params.eta)
	})
	return grown
}

// real is a sum of the gradients that a tree is grown from, as it is in the loss.
func (t *trainer) real(s sum) sum {
	if t.unit == (sum{}) {
		return s
	}
	return sum{s.g * t.unit.g, s.h * t.unit.h}
}
