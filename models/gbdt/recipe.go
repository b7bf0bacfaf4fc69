package gbdt

import (
	"context"
	"fmt"

	"github.com/pgowl/pgowl/models/crew"
	"github.com/pgowl/pgowl/models/learn"
)

// recipe is a fit by the rules of LightGBM or scikit-learn, with everything that their parameters decide.
type recipe struct {
	params params // of these: the learning rate, the limits of a tree, shares of columns, seed and threads
	rules  leafRules
	cut    cutter
	// cutWeighted is cut for rows with weights; nil where these change nothing.
	cutWeighted func(weights []float32) cutter
	loss        criterion
	groups      int
	binary      bool        // two classes of which rows may be drawn apart
	objective   objectiveID // of the model
	name        string      // of LightGBM's objective
	scale       float64     // what the margins are multiplied with to be the objective's
	fromZero    bool        // the margins begin at 0, not at the loss's best constant
	average     bool        // a random forest: the trees do not see each other, and the margin is their mean
	// untilStuck ends the fit at the first round in which no tree has a split.
	untilStuck bool
	bag        bagger
	light      *lightFit // what LightGBM alone does, nil: nothing
	holdout    float64   // share of the rows that are held apart
	stopper    *stopper  // nil: all rounds; see lightFit for LightGBM's
}

// course is a fit on its way.
type course struct {
	*recipe
	t       *trainer
	begin   []float64
	margins [][]float64 // [group][row]
	bagged  bool        // t.rows are not all rows
	apart   *learn.Dataset
	judged  [][]float64 // margins of apart
	trees   []tree
}

// train fits the recipe to data.
func (r *recipe) train(ctx context.Context, data *learn.Dataset, progress learn.Progress) (learn.Model, error) {
	if err := data.Uses(learn.Weights); err != nil {
		return nil, err
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	crew, release := crew.New(ctx, r.params.threads)
	defer release()
	c := &course{recipe: r, t: &trainer{params: r.params, plan: plan{groups: r.groups}, data: data, crew: crew, memory: histogramMemory, rules: &r.rules}}
	if r.holdout > 0 {
		c.t.data, c.apart = holdApart(data, r.holdout, r.params.seed)
	}
	if err := c.weigh(); err != nil {
		return nil, err
	}
	var err error
	sketch := func() *sampler { return newSampler(c.t.data, nil, r.params.seed) }
	if r.light != nil {
		rows := r.light.sketchRows(c.t.data.Rows)
		sketch = func() *sampler { return samplerOf(rows, c.t.data.Rows) }
	}
	if c.t.bins, err = binBy(c.t.data, sketch, crew, c.cut); err != nil {
		return nil, fmt.Errorf("gbdt: %w", err)
	}
	if crew.Stopped() {
		return nil, context.Cause(ctx)
	}
	if r.light != nil {
		r.light.begin(c)
	}
	if progress != nil {
		progress(0, r.params.rounds)
	}
	c.prepare()
	if err := c.boost(ctx, progress); err != nil {
		return nil, err
	}
	return c.model().finished()
}

// weigh makes the loss one of rows with weights, where they have any.
func (c *course) weigh() error {
	if c.t.data.Weights == nil {
		return nil
	}
	if err := c.t.data.CheckWeights(); err != nil { // what has a weight may have been held apart
		return fmt.Errorf("gbdt: %w", err)
	}
	loss, ok := c.loss.(weighable)
	if !ok || c.objective == logPlus { // of cross_entropy_lambda weights are exponents
		return &learn.UnusedError{Part: learn.Weights}
	}
	var apart []float32
	if c.apart != nil {
		apart = c.apart.Weights
	}
	own := *c.recipe
	c.recipe = &own
	c.loss = loss.weighted(c.t.data.Weights, apart)
	if c.loss == nil {
		return &learn.UnusedError{Part: learn.Weights}
	}
	if c.cutWeighted != nil {
		c.cut = c.cutWeighted(c.t.data.Weights)
	}
	return nil
}

func (c *course) prepare() {
	c.t.prepare()
	c.begin = make([]float64, c.groups)
	if !c.fromZero {
		c.begin = c.loss.start(c.t.data.Y)
	}
	level := func(rows int) [][]float64 {
		out := make([][]float64, c.groups)
		for k := range out {
			out[k] = make([]float64, rows)
			for i := range out[k] {
				out[k][i] = c.begin[k]
			}
		}
		return out
	}
	c.margins = level(c.t.data.Rows)
	if c.apart != nil {
		c.judged = level(c.apart.Rows)
	}
	if c.apart != nil && c.stopper != nil {
		c.stopper.judge(c.loss.mean(c.judged, c.apart.Y))
	}
}

func (c *course) boost(ctx context.Context, progress learn.Progress) error {
	t := c.t
	number := uint64(0)
	for round := range c.params.rounds {
		if c.light != nil && c.light.dart != nil {
			c.light.dart.begin(c)
		}
		if round == 0 || !c.average {
			c.gradients()
		}
		grads := c.bag.draw(t, round)
		c.bagged = len(t.rows) < t.data.Rows
		stuck := true
		for k := range c.groups {
			t.sampleColumns(number)
			number++
			grown := c.grow(grads[k])
			if c.light != nil && c.light.linear && (c.average || round > 0) {
				c.fitLines(&grown, grads[k])
			}
			if t.crew.Stopped() {
				return context.Cause(ctx)
			}
			stuck = stuck && len(grown.nodes) == 1
			c.refit(&grown, k)
			if !c.average {
				c.advance(&grown, k)
			}
			c.trees = append(c.trees, grown)
		}
		if t.crew.Stopped() {
			return context.Cause(ctx)
		}
		if c.light != nil && c.light.dart != nil {
			c.light.dart.end(c, !stuck)
		}
		if stuck && c.untilStuck {
			if round > 0 {
				c.trees = c.trees[:len(c.trees)-c.groups]
			}
			if c.light != nil && c.light.stop != nil && len(c.light.stop.at) > 0 {
				c.trees = c.trees[:(c.light.stop.at[0]+1)*c.groups]
			}
			break
		}
		over, scores := c.judge(round)
		if progress != nil {
			progress(round+1, c.params.rounds, scores...)
		}
		if over {
			break
		}
	}
	return nil
}

// grow makes a tree from the gradients of all rows.
func (c *course) grow(grads []gradient) tree {
	if c.light != nil && c.light.rounded != nil {
		return c.light.growRounded(c.t, grads)
	}
	return c.t.growOn(grads)
}

// gradients are those of all rows at the present margins, in t.grads.
func (c *course) gradients() {
	rows := c.t.data.Rows
	if b, ok := c.loss.(beginner); ok {
		b.begin(c.margins, c.t.data.Y)
	}
	blocks := (rows + gradientBlock - 1) / gradientBlock
	c.t.crew.Each(blocks, rows*c.groups*10, func(b int) {
		c.loss.gradients(c.t.grads, c.margins, c.t.data.Y, b*gradientBlock, min((b+1)*gradientBlock, rows))
	})
}

// refit replaces the values of leaves by what the loss wants there. A tree that is one leaf is left alone: it is to change nothing.
func (c *course) refit(grown *tree, k int) {
	if len(grown.nodes) == 1 {
		grown.nodes[0].value = 0
		return
	}
	by, ok := c.loss.(refitter)
	if !ok {
		return
	}
	c.t.crew.Each(len(c.t.leaves), len(c.t.rows)*20, func(i int) {
		s := c.t.leaves[i]
		grown.nodes[s.node].value = float32(by.leaf(c.t.rows[s.from:s.to], k, c.margins, c.t.data.Y) * c.params.eta)
	})
}

// advance adds a tree to the margins of its group: by leaf for the rows that it was shown, by walking where there are others.
func (c *course) advance(grown *tree, k int) {
	t := c.t
	m := c.margins[k]
	if c.apart != nil {
		addTree(c.judged[k], grown, 1, c.apart, t.crew)
	}
	if c.bagged {
		addTree(m, grown, 1, t.data, t.crew)
		return
	}
	t.crew.Each(len(t.leaves), t.data.Rows*2, func(i int) {
		s := t.leaves[i]
		v := float64(grown.nodes[s.node].value)
		if grown.lines != nil {
			for _, r := range t.rows[s.from:s.to] {
				m[r] += grown.lines[s.node].value(t.data.Row(int(r)), float32(v))
			}
			return
		}
		for _, r := range t.rows[s.from:s.to] {
			m[r] += v
		}
	})
}

// addTree adds a tree's values, times a factor, to the margins of a data set's rows.
func addTree(margins []float64, grown *tree, factor float64, d *learn.Dataset, c *crew.Crew) {
	blocks := (d.Rows + gradientBlock - 1) / gradientBlock
	c.Each(blocks, d.Rows*20, func(b int) {
		for r := b * gradientBlock; r < min((b+1)*gradientBlock, d.Rows); r++ {
			margins[r] += factor * grown.exact(d.Row(r))
		}
	})
}

// judge looks at the rows that were held apart after a round, and says whether to stop.
func (c *course) judge(round int) (over bool, scores []learn.Score) {
	if c.apart == nil {
		return false, nil
	}
	if c.average { // the mean of the trees so far
		n := float64(len(c.trees) / c.groups)
		for k := range c.groups {
			for r := range c.judged[k] {
				latest := c.trees[len(c.trees)-c.groups+k].exact(c.apart.Row(r))
				c.judged[k][r] += (c.begin[k] + latest - c.judged[k][r]) / n
			}
		}
	}
	if c.light != nil {
		keep, over, scores := c.light.stop.judge(c.scored(), round, round == c.params.rounds-1)
		if over {
			c.trees = c.trees[:keep*c.groups]
		}
		return over, scores
	}
	return c.stopper.judge(c.loss.mean(c.judged, c.apart.Y)), nil
}

// model folds what the margins begin with into the first trees, as LightGBM does.
func (c *course) model() *Model {
	rounds := len(c.trees) / c.groups
	if c.light != nil && c.light.dart != nil {
		c.light.dart.weigh(c)
	}
	for i := range c.trees {
		k := i % c.groups
		switch {
		case c.average:
			c.trees[i].adjust(c.scale/float64(rounds), c.begin[k]*c.scale/float64(rounds))
		case i < c.groups:
			c.trees[i].adjust(c.scale, c.begin[k]*c.scale)
		default:
			c.trees[i].adjust(c.scale, 0)
		}
	}
	return &Model{
		features: c.t.data.Features, classes: c.t.data.Classes, groups: c.groups, objective: c.objective, parallel: 1, trees: c.trees, byRows: true,
	}
}
