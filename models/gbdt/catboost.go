package gbdt

import (
	"context"
	"fmt"

	"github.com/pgowl/pgowl/models/crew"
	"github.com/pgowl/pgowl/models/learn"
)

var _ learn.Trainer = TrainCatBoost

// catFit is a fit by CatBoost's rules that is under way.
type catFit struct {
	t       *trainer
	p       *params
	loss    criterion
	groups  int
	begin   []float64
	margins [][]float64 // [group][row]
	weights []float32   // of the rows; nil: one each
	l2      float64     // of leaves, by the weight of a row on average
	scaled  [][]gradient
	places  []uint16 // the leaf of each row
	targets []targetFeature
	signs   []int8    // monotone constraints of the features, nil: there are none
	chains  [][]int   // leaves of the last tree that must not fall
	watch   *catWatch // nil: nobody stops early
	reach   float64   // mean size of the last tree's leaves, negative before the first
}

// TrainCatBoost fits trees by CatBoost's rules (Plain boosting on the CPU). It is a learn.Trainer; the hyperparameters are CatBoost's, with its defaults; the
// losses are RMSE, Logloss for two classes and MultiClass for more unless loss_function names another. Features that data.Categorical or the hyperparameter
// cat_features names become ordered target statistics, each by itself: CatBoost also combines them. Early stopping, if it is asked for, judges by a tenth of the
// rows that the seed draws.
func TrainCatBoost(ctx context.Context, data *learn.Dataset, task learn.Task, hyperparams map[string]any, progress learn.Progress) (learn.Model, error) {
	p := catDefaults()
	if _, err := catTable.read(&p, hyperparams); err != nil {
		return nil, err
	}
	if err := valid(data, task); err != nil {
		return nil, fmt.Errorf("gbdt: %w", err)
	}
	if err := data.Uses(learn.Weights); err != nil {
		return nil, err
	}
	patience, err := p.catting.stopping.patience()
	if err != nil {
		return nil, err
	}
	var apart *learn.Dataset
	if patience > 0 {
		data, apart = holdApart(data, heldShare, p.seed)
	}
	if err := p.catDecide(data, task); err != nil {
		return nil, err
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	crew, release := crew.New(ctx, p.threads)
	defer release()
	f := &catFit{p: &p, reach: -1, t: &trainer{params: p, data: data, crew: crew, memory: histogramMemory}}
	if err := f.weigh(data); err != nil {
		return nil, err
	}
	if f.signs, err = p.catSigns(data); err != nil {
		return nil, err
	}
	if err := f.bin(data); err != nil {
		return nil, err
	}
	if crew.Stopped() {
		return nil, context.Cause(ctx)
	}
	if progress != nil {
		progress(0, p.rounds)
	}
	f.prepare(data)
	if apart != nil {
		if err := f.watchApart(apart, patience); err != nil {
			return nil, err
		}
	}
	trees, err := f.boost(ctx, progress)
	if err != nil {
		return nil, err
	}
	return f.model(trees).finished()
}

// bin cuts the features, and makes numbers of those that are categories.
func (f *catFit) bin(d *learn.Dataset) error {
	c := &f.p.catting
	categorical, err := joinCategories(d, "cat_features", c.categorical)
	if err != nil {
		return err
	}
	if f.t.bins, err = binBy(d, func() *sampler { return newSampler(d, nil, f.p.seed) }, f.t.crew, catCutter(min(f.p.maxBin, maxBins-1))); err != nil {
		return fmt.Errorf("gbdt: %w", err)
	}
	if c.noMissing {
		for i := range f.t.bins.features {
			if f.t.bins.features[i].missing {
				return fmt.Errorf("gbdt: feature %d has missing values, which nan_mode Forbidden forbids", i)
			}
		}
	}
	var columns [][]uint8
	for i, is := range categorical {
		if !is || f.t.crew.Stopped() {
			continue
		}
		features, bins := targetFeatures(d, i, c.oneHot, draw(f.p.seed, uint64(i)))
		f.targets, columns = append(f.targets, features...), append(columns, bins...)
		f.t.bins.features[i] = feature{missing: true} // as such it has no order
	}
	if len(columns) > 0 {
		f.t.bins = extended(f.t.bins, f.targets, columns)
	}
	return nil
}

func (f *catFit) prepare(d *learn.Dataset) {
	c := &f.p.catting
	rule := catLossRules[c.loss.name]
	f.groups = 1
	if rule.point != nil {
		f.loss = rule.point(c.loss.values)
	} else {
		f.groups = d.Classes
		f.loss = &softmaxLoss{d.Classes, 1}
	}
	t := f.t
	t.plan = plan{groups: f.groups}
	t.prepare()
	// The features that training has made are columns like others.
	t.every = t.every[:0]
	for i := range t.bins.features {
		t.every = append(t.every, int32(i))
	}
	t.pool = newPool(len(t.bins.features), t.memory)
	t.sampleColumns(0)
	f.begin = make([]float64, f.groups)
	if c.fromMean == 1 {
		f.begin[0] = rule.start(c.loss.values, d.Y, f.weights)
	}
	f.margins, f.scaled = make([][]float64, f.groups), make([][]gradient, f.groups)
	for k := range f.margins {
		f.margins[k], f.scaled[k] = make([]float64, d.Rows), make([]gradient, d.Rows)
		for r := range f.margins[k] {
			f.margins[k][r] = f.begin[k]
		}
	}
	f.places = make([]uint16, d.Rows)
}

// weight is that of row r.
func (f *catFit) weight(r int) float32 {
	if f.weights == nil {
		return 1
	}
	return f.weights[r]
}

func (f *catFit) boost(ctx context.Context, progress learn.Progress) ([]tree, error) {
	c := &f.p.catting
	t := f.t
	grower := &oblivious{t: t, depth: c.depth, l2: f.l2, share: c.rsm, seed: f.p.seed, plain: c.l2Score, high: c.missingHigh, minData: c.minData, maxLeaves: c.maxLeaves, signs: f.signs,
		grads: f.scaled}
	var trees []tree
	for round := range f.p.rounds {
		f.shrink(round)
		f.gradients()
		f.bootstrap(uint64(round))
		grower.noise = c.strength * f.deviation() * noiseLeft(t.data.Rows, float64(round)*f.p.eta)
		latest, err := f.round(ctx, grower, uint64(round))
		if err != nil {
			return nil, err
		}
		trees = append(trees, latest...)
		if progress != nil {
			progress(round+1, f.p.rounds)
		}
		if f.watch != nil && f.judge(latest) {
			break
		}
	}
	if f.watch != nil && f.watch.keepBest {
		trees = trees[:max(1, f.watch.stopper.best)*f.groups]
	}
	f.shrunk(trees)
	return trees, nil
}

// round grows the tree of a round, which has the same shape for all groups.
func (f *catFit) round(ctx context.Context, grower *oblivious, number uint64) ([]tree, error) {
	var write func(stats []stat, values [][]float64, k int) tree
	leaves := 0
	if policy := f.p.catting.policy; policy == "SymmetricTree" {
		splits, err := grower.grow(ctx, number)
		if err != nil {
			return nil, err
		}
		f.locate(splits)
		f.chains = nil
		if list := grower.signsOf(splits); constrained(list) {
			f.chains = chains(list)
		}
		leaves = 1 << len(splits)
		write = func(stats []stat, values [][]float64, k int) tree { return f.tree(splits, stats, values, k) }
	} else {
		nodes, err := grower.growLeaves(ctx, number, policy == "Lossguide")
		if err != nil {
			return nil, err
		}
		f.locateIn(nodes)
		leaves = (len(nodes) + 1) / 2
		write = func(stats []stat, values [][]float64, k int) tree { return f.grownTree(nodes, stats, values, k) }
	}
	values, stats := f.leaves(leaves)
	if f.t.crew.Stopped() {
		return nil, context.Cause(ctx)
	}
	var trees []tree
	for k := range f.groups {
		trees = append(trees, write(stats, values, k))
	}
	return trees, nil
}

// each calls do for blocks of rows.
func (f *catFit) each(cost int, do func(from, to int)) {
	rows := f.t.data.Rows
	blocks := (rows + gradientBlock - 1) / gradientBlock
	f.t.crew.Each(blocks, rows*cost, func(b int) { do(b*gradientBlock, min((b+1)*gradientBlock, rows)) })
}

// gradients are those at the present margins, in t.grads.
func (f *catFit) gradients() {
	y := f.t.data.Y
	f.each(10*f.groups, func(from, to int) {
		if f.p.catting.loss.name == "Logloss" {
			for r, m := range f.margins[0][from:to] {
				p := 1 / (1 + exp(max(min(-m, 88.7), -88.7)))
				f.t.grads[0][from+r].g = float32(p - float64(y[from+r]))
			}
		} else {
			f.loss.gradients(f.t.grads, f.margins, y, from, to)
		}
		for _, out := range f.t.grads {
			weigh(out[from:to], f.weights, from)
		}
	})
}

// model folds the start into the first trees.
func (f *catFit) model(trees []tree) *Model {
	m := &Model{features: f.t.data.Features, classes: f.t.data.Classes, groups: f.groups, parallel: 1, trees: trees, byRows: true, objective: catLossRules[f.p.catting.loss.name].objective}
	for k := range f.groups {
		nodes := trees[k].nodes
		for i := range nodes {
			if nodes[i].feature == leaf {
				nodes[i].value = float32(float64(nodes[i].value) + f.begin[k])
			}
		}
	}
	return m
}
