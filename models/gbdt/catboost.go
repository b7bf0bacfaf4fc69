package gbdt

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

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
	crew, release := newCrew(ctx, p.threads)
	defer release()
	f := &catFit{p: &p, reach: -1, t: &trainer{params: p, data: data, crew: crew, memory: histogramMemory}}
	if err := f.bin(data); err != nil {
		return nil, err
	}
	if crew.stopped.Load() {
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
	return f.model(trees), nil
}

// catDecide fills in what depends on the data and on other parameters.
func (p *params) catDecide(d *learn.Dataset, task learn.Task) error {
	c := &p.catting
	given := c.loss
	if c.loss == "" {
		switch {
		case task == learn.Regression:
			c.loss = "RMSE"
		case d.Classes == 2:
			c.loss = "Logloss"
		default:
			c.loss = "MultiClass"
		}
	}
	reason := ""
	switch {
	case (c.loss == "RMSE") != (task == learn.Regression):
		reason = fmt.Sprintf("%q is for %s", c.loss, map[bool]learn.Task{true: learn.Regression, false: learn.Classification}[c.loss == "RMSE"])
	case c.loss == "Logloss" && d.Classes != 2:
		reason = fmt.Sprintf("%q needs 2 classes, the labels have %d", c.loss, d.Classes)
	}
	if reason != "" {
		return &learn.ParamError{Name: "loss_function", Value: given, Reason: reason}
	}
	groups := 1
	if c.loss == "MultiClass" {
		groups = d.Classes
	}
	if bytes := float64(int(1)<<(c.depth-1)) * float64(d.Features) * float64(groups) * maxBins * 16; bytes > 4<<30 {
		return &learn.ParamError{Name: "depth", Value: c.depth, Reason: fmt.Sprintf("needs %.0f GiB of memory with %d features", bytes/(1<<30), d.Features)}
	}
	if c.fromMean < 0 {
		c.fromMean = 0
		if c.loss == "RMSE" {
			c.fromMean = 1
		}
	}
	if math.IsNaN(p.eta) {
		p.eta = c.autoRate(p.rounds, d.Rows)
	}
	if c.leafIterations == 0 {
		c.leafIterations = 1
		if c.loss == "Logloss" && (p.rounds >= 200 || d.Features >= 20) {
			c.leafIterations = 10
		}
	}
	if c.leafMethod == "" {
		c.leafMethod = "Newton"
	}
	return c.decideBootstrap()
}

// decideBootstrap chooses how rows are drawn.
func (c *catParams) decideBootstrap() error {
	if c.bootstrap == "" {
		switch {
		case !math.IsNaN(c.temperature) || c.loss == "MultiClass" && math.IsNaN(c.share):
			c.bootstrap = "Bayesian"
		case c.loss == "MultiClass":
			c.bootstrap = "Bernoulli"
		default:
			c.bootstrap = "MVS"
		}
	}
	if c.bootstrap == "Bayesian" && !math.IsNaN(c.share) {
		return &learn.ParamError{Name: "subsample", Value: c.share, Reason: "cannot be used with bootstrap_type Bayesian"}
	}
	if c.bootstrap != "Bayesian" && !math.IsNaN(c.temperature) {
		return &learn.ParamError{Name: "bagging_temperature", Value: c.temperature, Reason: "needs bootstrap_type Bayesian"}
	}
	if math.IsNaN(c.temperature) {
		c.temperature = 1
	}
	if math.IsNaN(c.share) {
		c.share = .8
		if c.bootstrap == "Bernoulli" {
			c.share = .66
		}
	}
	return nil
}

// autoRate is CatBoost's guess of a learning rate, from fits of many data sets.
func (c *catParams) autoRate(rounds, rows int) float64 {
	type guess struct{ size, sizeConst, iterations, iterationsConst float64 }
	g := map[string]guess{
		"RMSE 1": {.158, -4.287, -.813, 2.571}, "RMSE 0": {.178, -4.473, -.76, 2.133},
		"Logloss 1": {.408, -7.299, -.928, 2.701}, "Logloss 0": {.427, -7.525, -.917, 2.63},
		"MultiClass 0": {.051, -2.889, -.845, 2.928},
	}[fmt.Sprint(c.loss, " ", c.fromMean)]
	if g.size == 0 {
		return .03
	}
	if c.l2 != 3 || c.leafIterations != 0 || c.leafMethod != "" {
		return .03 // CatBoost guesses only while these have their defaults
	}
	rate := math.Exp(g.size*math.Log(float64(rows))+g.sizeConst) * math.Exp(g.iterations*(math.Log(float64(rounds))-math.Log(1000)))
	return math.Round(min(rate, .5)*1e6) / 1e6
}

// bin cuts the features, and makes numbers of those that are categories.
func (f *catFit) bin(d *learn.Dataset) error {
	c := &f.p.catting
	categorical, err := joinCategories(d, "cat_features", c.categorical)
	if err != nil {
		return err
	}
	if f.t.bins, err = binBy(d, nil, f.p.seed, f.t.crew, catCutter(min(f.p.maxBin, maxBins-1))); err != nil {
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
		if !is || f.t.crew.stopped.Load() {
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
		if t.crew.stopped.Load() {
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
	f.t.crew.each(blocks, rows*cost, func(b int) { do(b*gradientBlock, min((b+1)*gradientBlock, rows)) })
}

// gradients are those at the present margins, in t.grads.
func (f *catFit) gradients() {
	f.each(10*f.groups, func(from, to int) { f.loss.gradients(f.t.grads, f.margins, f.t.data.Y, from, to) })
}

// deviation is the root of the mean square of the gradients.
func (f *catFit) deviation() float64 {
	total := 0.0
	for _, grads := range f.t.grads {
		for _, g := range grads {
			total += float64(g.g) * float64(g.g)
		}
	}
	return math.Sqrt(total / float64(f.t.data.Rows))
}

// noiseLeft makes the noise of scores vanish as the model grows (CalcDerivativesStDevFromZeroMultiplier).
func noiseLeft(rows int, length float64) float64 {
	left := math.Exp(math.Log(float64(rows)) - length)
	return left / (1 + left)
}

// bootstrap draws the rows' weights and makes the gradients that a tree is grown from, with the weights in place of second derivatives.
func (f *catFit) bootstrap(round uint64) {
	c := &f.p.catting
	at := func(r int) float64 { return unit(draw(f.p.seed, drawWeight, round, uint64(r))) }
	bar, reg := 0.0, 0.0
	if c.bootstrap == "MVS" {
		bar, reg = f.mvsBar()
	}
	f.each(10*f.groups, func(from, to int) {
		for r := from; r < to; r++ {
			w := 1.0
			switch c.bootstrap {
			case "Bayesian":
				w = math.Pow(-math.Log(1-at(r)), c.temperature)
			case "Bernoulli":
				w = float64(b2f(at(r) < c.share))
			case "MVS":
				if bar <= 0 {
					break
				}
				likely := min(1, f.size(r, reg)/bar)
				w = 0
				if likely > 0 && at(r) < likely {
					w = 1 / likely
				}
			}
			for k := range f.scaled {
				f.scaled[k][r] = gradient{f.t.grads[k][r].g * float32(w), float32(w)}
			}
		}
	})
}

// size is that of a row's gradient, regularised.
func (f *catFit) size(r int, reg float64) float64 {
	total := reg
	for k := range f.t.grads {
		g := float64(f.t.grads[k][r].g)
		total += g * g
	}
	return math.Sqrt(total)
}

// mvsBar is the size of a gradient from which on a row is taken for sure, so that the expected number of rows is the share that is wanted (minimal variance
// sampling, Ibragimov and Gusev 2019), and the regularisation of sizes.
func (f *catFit) mvsBar() (bar, reg float64) {
	c := &f.p.catting
	rows := f.t.data.Rows
	if c.share >= 1 {
		return 0, 0
	}
	reg = c.mvsReg
	if math.IsNaN(reg) {
		reach := f.reach
		if reach < 0 {
			reach = 0
			for r := range rows {
				reach += f.size(r, 0) / float64(rows)
			}
		}
		reg = reach * reach
	}
	sizes := make([]float64, rows)
	f.each(5*f.groups, func(from, to int) {
		for r := from; r < to; r++ {
			sizes[r] = f.size(r, reg)
		}
	})
	slices.Sort(sizes)
	below := 0.0 // sum of the sizes of the rows that are drawn by chance
	want := c.share * float64(rows)
	for i, s := range sizes {
		below += s
		sure := float64(rows - i - 1)
		// With the bar at the next larger size at most, so many rows come out.
		if want <= sure {
			continue
		}
		bar = below / (want - sure)
		if i+1 == rows || bar <= sizes[i+1] {
			return bar, reg
		}
	}
	return bar, reg
}

// leaves computes the values of all leaves, [leaf][group], after the learning rate, and adds them to the margins.
func (f *catFit) leaves(cells []cell) [][]float64 {
	values := make([][]float64, len(cells))
	f.t.crew.each(len(cells), f.t.data.Rows*20*f.p.catting.leafIterations, func(i int) {
		rows := f.t.rows[cells[i].from:cells[i].to]
		var v []float64
		if f.p.catting.loss == "MultiClass" {
			v = f.softmaxLeaf(rows)
		} else {
			v = f.leaf(rows)
		}
		for k := range v {
			v[k] = float64(float32(v[k] * f.p.eta))
			for _, r := range rows {
				f.margins[k][r] += v[k]
			}
		}
		values[i] = v
	})
	if f.t.crew.stopped.Load() {
		return values
	}
	f.reach = 0
	for _, v := range values {
		total := 0.0
		for _, x := range v {
			total += x * x
		}
		f.reach += math.Sqrt(total) / float64(len(values))
	}
	return values
}

// leaf takes the steps of a leaf of one margin.
func (f *catFit) leaf(rows []int32) []float64 {
	c := &f.p.catting
	loss := f.loss.(*pointLoss)
	value := 0.0
	for range c.leafIterations {
		var s sum
		for _, r := range rows {
			g, h := loss.slope(f.margins[0][r]+value, float64(f.t.data.Y[r]))
			s.g, s.h = s.g+g, s.h+h
		}
		if c.leafMethod == "Gradient" {
			s.h = float64(len(rows))
		}
		if s.h+c.l2 <= 0 {
			break
		}
		value -= s.g / (s.h + c.l2)
	}
	return []float64{value}
}

// wholeHessian is the number of classes up to which a leaf's Newton step has the whole matrix of second derivatives, and not its diagonal alone.
const wholeHessian = 32

// softmaxLeaf takes the steps of a leaf of several margins.
func (f *catFit) softmaxLeaf(rows []int32) []float64 {
	c := &f.p.catting
	n := f.groups
	loss := f.loss.(*softmaxLoss)
	value, p := make([]float64, n), make([]float64, n)
	at := make([][]float64, n)
	for k := range at {
		at[k] = make([]float64, 1)
	}
	whole := n <= wholeHessian && c.leafMethod == "Newton"
	for range c.leafIterations {
		g, h := make([]float64, n), make([]float64, n*n)
		for _, r := range rows {
			for k := range at {
				at[k][0] = f.margins[k][r] + value[k]
			}
			loss.probabilities(p, at, 0)
			for k, q := range p {
				g[k] -= q
				h[k*n+k] += q
				if !whole {
					h[k*n+k] -= q * q
					continue
				}
				for j, s := range p {
					h[k*n+j] -= q * s
				}
			}
			g[int(f.t.data.Y[r])]++
		}
		for k := range n {
			if c.leafMethod == "Gradient" {
				h[k*n+k] = float64(len(rows))
			}
			h[k*n+k] += max(c.l2, 1e-12)
		}
		if whole {
			solve(h, g)
		} else {
			for k := range g {
				g[k] /= h[k*n+k]
			}
		}
		for k := range value {
			value[k] += g[k]
		}
	}
	return value
}

// solve replaces b by the solution of a x = b. a is symmetric and positive definite, and is used up.
func solve(a, b []float64) {
	n := len(b)
	for i := range n {
		pivot := a[i*n+i]
		for j := i + 1; j < n; j++ {
			m := a[j*n+i] / pivot
			for k := i; k < n; k++ {
				a[j*n+k] -= m * a[i*n+k]
			}
			b[j] -= m * b[i]
		}
	}
	for i := n - 1; i >= 0; i-- {
		for j := i + 1; j < n; j++ {
			b[i] -= a[i*n+j] * b[j]
		}
		b[i] /= a[i*n+i]
	}
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
	m.layOut()
	return m
}
