package gbdt

import (
	"context"
	"errors"
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
	weights []float32   // of the rows for the structure of a tree
	scaled  [][]gradient
	targets []targetFeature
	reach   float64 // mean size of the last tree's leaves, negative before the first
}

// TrainCatBoost fits oblivious trees by CatBoost's rules (Plain boosting on the CPU). It is a learn.Trainer; the hyperparameters are CatBoost's, with its
// defaults; the losses are RMSE, Logloss for two classes and MultiClass for more. Features that data.Categorical or the hyperparameter cat_features names become
// ordered target statistics, each by itself: CatBoost also combines them.
func TrainCatBoost(ctx context.Context, data *learn.Dataset, task learn.Task, hyperparams map[string]any, progress learn.Progress) (learn.Model, error) {
	p := catDefaults()
	if _, err := catTable.read(&p, hyperparams); err != nil {
		return nil, err
	}
	if err := valid(data, task); err != nil {
		return nil, fmt.Errorf("gbdt: %w", err)
	}
	if data.Weights != nil {
		return nil, errors.New("gbdt: this algorithm takes no weights of rows")
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
	f.groups = 1
	switch c.loss {
	case "RMSE":
		f.loss = squaredLoss()
	case "Logloss":
		f.loss = entropyLoss()
	default:
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
		f.begin = f.loss.start(d.Y)
	}
	f.margins, f.scaled = make([][]float64, f.groups), make([][]gradient, f.groups)
	for k := range f.margins {
		f.margins[k], f.scaled[k] = make([]float64, d.Rows), make([]gradient, d.Rows)
		for r := range f.margins[k] {
			f.margins[k][r] = f.begin[k]
		}
	}
	f.weights = make([]float32, d.Rows)
}

func (f *catFit) boost(ctx context.Context, progress learn.Progress) ([]tree, error) {
	c := &f.p.catting
	t := f.t
	grower := &oblivious{t: t, depth: c.depth, l2: c.l2, share: c.rsm, seed: f.p.seed, plain: c.l2Score, high: c.missingHigh}
	var trees []tree
	for round := range f.p.rounds {
		f.gradients()
		f.bootstrap(uint64(round))
		grower.noise = c.strength * f.deviation() * noiseLeft(t.data.Rows, float64(round)*f.p.eta)
		t.rows = t.rows[:0]
		for r := range t.data.Rows {
			t.rows = append(t.rows, int32(r))
		}
		splits, cells, err := grower.grow(ctx, f.scaled, uint64(round))
		if err != nil {
			return nil, err
		}
		values := f.leaves(cells)
		for k := range f.groups {
			trees = append(trees, f.tree(splits, cells, values, k))
		}
		if t.crew.Stopped() {
			return nil, context.Cause(ctx)
		}
		if progress != nil {
			progress(round+1, f.p.rounds)
		}
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
	f.each(10*f.groups, func(from, to int) { f.loss.gradients(f.t.grads, f.margins, f.t.data.Y, from, to) })
}

// tree writes an oblivious tree as nodes, for group k.
func (f *catFit) tree(splits []obliviousSplit, cells []cell, values [][]float64, k int) tree {
	inner := 1<<len(splits) - 1
	t := tree{nodes: make([]node, inner+len(cells)), stats: make([]stat, inner+len(cells))}
	for i, c := range cells {
		v := 0.0
		if values[i] != nil {
			v = values[i][k]
		}
		t.nodes[inner+i] = node{feature: leaf, value: float32(v)}
		t.stats[inner+i] = stat{cover: float32(c.to - c.from), rows: uint32(c.to - c.from)}
	}
	for i := inner - 1; i >= 0; i-- {
		level := 0
		for 1<<(level+1)-1 <= i {
			level++
		}
		s := &splits[level]
		t.nodes[i] = node{feature: s.feature, value: s.threshold, left: int32(2*i + 1), defaultLeft: s.defaultLeft}
		if target := f.t.bins.features[s.feature].targets; target != nil {
			target.split(&t.nodes[i], s.bin)
		}
		l, r := t.stats[2*i+1], t.stats[2*i+2]
		t.stats[i] = stat{gain: finite(s.gain), cover: l.cover + r.cover, rows: l.rows + r.rows}
	}
	return t
}

// model folds the start into the first trees.
func (f *catFit) model(trees []tree) *Model {
	m := &Model{features: f.t.data.Features, classes: f.t.data.Classes, groups: f.groups, parallel: 1, trees: trees, byRows: true}
	switch f.p.catting.loss {
	case "RMSE":
		m.objective = squaredError
	case "Logloss":
		m.objective = logistic
	default:
		m.objective = softmax
	}
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
