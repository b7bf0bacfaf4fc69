package gbdt

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/pgowl/pgowl/models/crew"
	"github.com/pgowl/pgowl/models/learn"
)

var _ learn.Trainer = Train

// trainer is the state of one fit.
type trainer struct {
	params   params
	plan     plan
	data     *learn.Dataset
	crew     *crew.Crew
	bins     *binned
	memory   int          // for histograms, in bytes
	rules    *leafRules   // nil: XGBoost's
	margins  []float32    // row-major, plan.groups a row
	grads    [][]gradient // [group][row]; one group only when the second class mirrors the first
	scaled   []gradient   // of the rows that sampling_method gradient_based has drawn
	held     heldRows
	limited  constraints
	watch    *watch        // nil: nobody looks
	columns  *lightColumns // LightGBM's choice of features, nil: choose
	unit     sum           // what 1 is in the gradients that a tree is grown from, 0: 1
	ranking  *ranking      // nil: the objective is another
	rankings int           // times that the gradients of a ranking have been made

	// of the tree that is being grown
	grown            uint64 // trees so far
	number           uint64
	rows             []int32
	spare, spareLeft []int32
	leaves           []span
	every, used      []int32 // features: all, those of the tree
	usedIn           [][]uint8
	levels           [][]int32
	pool             *pool
	packed           packing
	packedRoom       []int64
	lanes            sync.Pool // of *lanes, all zero
}

// Train fits gradient boosted trees. It is a learn.Trainer; the hyperparameters are XGBoost's, with PostgresML's default of
// 10 rounds. Classification defaults to multi:softprob over all classes, regression to reg:squarederror. With early_stopping_rounds a part of
// the rows (validation_fraction, 0.1) is drawn by the seed and not learned from; the model is that of the round in which the last metric of
// eval_metric was best on them.
func Train(ctx context.Context, data *learn.Dataset, task learn.Task, hyperparams map[string]any, progress learn.Progress) (learn.Model, error) {
	p, err := parse(hyperparams)
	if err != nil {
		return nil, err
	}
	return p.train(ctx, data, task, progress)
}

// train fits by XGBoost's rules.
func (p params) train(ctx context.Context, data *learn.Dataset, task learn.Task, progress learn.Progress) (learn.Model, error) {
	if err := valid(data, task); err != nil {
		return nil, fmt.Errorf("gbdt: %w", err)
	}
	var held heldRows
	if p.stopAfter > 0 {
		held = drawHeldRows(data.Rows, data.Queries, p.validationFraction, p.seed)
	}
	pl, err := p.plan(data, task, held)
	if err != nil {
		return nil, err
	}
	var queries *lists
	if pl.id.ranks() {
		if queries, err = newLists(data, func(r int) bool { return !held.has(r) }); err != nil {
			return nil, &learn.ParamError{Name: "objective", Value: p.objective, Reason: err.Error()}
		}
	}
	limited, err := p.constrain(data)
	if err != nil {
		return nil, err
	}
	watch, err := p.newWatch(data, pl, held, progress)
	if err != nil {
		return nil, err
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	crew, release := crew.New(ctx, p.threads)
	defer release()
	t := &trainer{params: p, plan: pl, data: data, crew: crew, memory: histogramMemory, held: held, limited: limited, watch: watch}
	if pl.id.ranks() {
		t.ranking = newRanking(pl.id, &p, queries, data.Y)
	}
	if p.isLinear() {
		return t.fitLinear(ctx, progress)
	}
	if t.bins, err = bin(data, held, p.maxBin, p.seed, crew); err != nil {
		return nil, fmt.Errorf("gbdt: %w", err)
	}
	if progress != nil {
		progress(0, p.rounds)
	}
	m, err := t.boost(ctx, progress)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// valid checks what would otherwise end in a panic or in a model of NaN.
func valid(d *learn.Dataset, task learn.Task) error {
	switch {
	case d == nil || d.Rows <= 0 || d.Features <= 0:
		return errors.New("the data set has no rows or no features")
	case d.Rows > math.MaxInt32 || d.Features > maxFeatures:
		return fmt.Errorf("a data set of %d rows and %d features is too large", d.Rows, d.Features)
	case len(d.X) != d.Rows*d.Features || len(d.Y) != d.Rows:
		return fmt.Errorf("%d values and %d labels do not make %d rows of %d features", len(d.X), len(d.Y), d.Rows, d.Features)
	case task != learn.Regression && task != learn.Classification:
		return fmt.Errorf("task %q is neither regression nor classification", task)
	case d.Queries != nil && len(d.Queries) != d.Rows || d.Upper != nil && len(d.Upper) != d.Rows:
		return fmt.Errorf("%d queries and %d upper bounds for %d rows", len(d.Queries), len(d.Upper), d.Rows)
	case task == learn.Classification && (d.Classes < 1 || d.Classes > maxClasses):
		return fmt.Errorf("a classification of %d classes", d.Classes)
	}
	for i, y := range d.Y {
		if math.IsNaN(float64(y)) || math.IsInf(float64(y), 0) {
			return fmt.Errorf("the label of row %d is %v", i, y)
		}
		if task == learn.Classification && (y < 0 || y >= float32(d.Classes) || y != float32(int(y))) {
			return fmt.Errorf("the label of row %d is %v, not a class of 0 to %d", i, y, d.Classes-1)
		}
	}
	for i, u := range d.Upper {
		if math.IsNaN(float64(u)) {
			return fmt.Errorf("the upper bound of row %d is no number", i)
		}
	}
	return d.CheckWeights()
}

// mirrors says whether the second of two classes needs no trees of its own: under softmax its gradients are those of the
// first with the sign turned, so that without random sampling its trees are too, but for their leaves' signs.
func (t *trainer) mirrors() bool {
	p := &t.params
	return t.plan.id == softmax && t.plan.groups == 2 && p.booster != "dart" && t.limited.signs == nil && p.subsample >= 1 && p.colTree >= 1 && p.colLevel >= 1 && p.colNode >= 1
}

func (t *trainer) prepare() {
	rows, features := t.data.Rows, t.data.Features
	t.margins = make([]float32, rows*t.plan.groups)
	for i := range t.margins {
		t.margins[i] = t.plan.base
	}
	t.grads = make([][]gradient, t.plan.groups)
	if t.mirrors() {
		t.grads = t.grads[:1]
	}
	for k := range t.grads {
		t.grads[k] = make([]gradient, rows)
	}
	t.rows, t.spare, t.spareLeft = make([]int32, 0, rows), make([]int32, rows), make([]int32, rows)
	t.every = make([]int32, features)
	for f := range t.every {
		t.every[f] = int32(f)
	}
	t.usedIn = make([][]uint8, len(t.bins.groups))
	t.pool = newPool(features, t.memory)
}

func (t *trainer) boost(ctx context.Context, progress learn.Progress) (learn.Model, error) {
	if err := t.stopped(ctx); err != nil {
		return nil, err
	}
	t.prepare()
	var drop *dart
	if t.params.booster == "dart" {
		drop = newDart(t)
	}
	var trees, best []tree
	for round := range t.params.rounds {
		if drop != nil {
			drop.begin(round)
		}
		t.gradients()
		if err := t.stopped(ctx); err != nil {
			return nil, err
		}
		from := len(trees)
		var err error
		if trees, err = t.round(ctx, trees); err != nil {
			return nil, err
		}
		if drop != nil {
			drop.end(trees[from:])
		}
		var scores []learn.Score
		if t.watch != nil {
			scores = t.watch.look(round, t.margins, t.crew)
		}
		if progress != nil {
			progress(round+1, t.params.rounds, scores...)
		}
		if t.held == nil {
			continue
		}
		if drop != nil && t.watch.bestRound == round {
			best = drop.scaled() // later rounds change the weights
		}
		if t.watch.over(round) {
			break
		}
	}
	switch {
	case t.held != nil && drop != nil:
		trees = best
	case t.held != nil:
		trees = trees[:(t.watch.bestRound+1)*t.plan.groups*t.params.parallelTrees]
	case drop != nil:
		trees = drop.scaled()
	}
	m := &Model{
		features: t.data.Features, classes: t.plan.classes, groups: t.plan.groups, objective: t.plan.id, base: t.plan.base,
		parallel: t.params.parallelTrees, trees: trees,
	}
	return m.finished()
}

// errDiverged is returned for labels and parameters that lead beyond the numbers, where a model would predict nothing.
var errDiverged = errors.New("gbdt: the training diverged: the margins have left the range of a float32; a smaller eta, or labels and features of a smaller scale, may help")

// finished prepares a model whose trees are done, unless they are not numbers.
func (m *Model) finished() (learn.Model, error) {
	for i := range m.trees {
		if m.trees[i].diverged() {
			return nil, errDiverged
		}
	}
	m.layOut()
	return m, nil
}

// diverged says whether a leaf is not a number.
func (t *tree) diverged() bool {
	for _, l := range t.lines {
		if l != nil && !l.finite() {
			return true
		}
	}
	return slices.ContainsFunc(t.nodes, func(n node) bool { return n.feature == leaf && (n.value != n.value || math.IsInf(float64(n.value), 0)) })
}

// stopped returns ctx's cause once the crew has been stopped.
func (t *trainer) stopped(ctx context.Context) error {
	if t.crew.Stopped() {
		return context.Cause(ctx)
	}
	return nil
}

// round grows the trees of a round from the gradients and appends them to trees.
func (t *trainer) round(ctx context.Context, trees []tree) ([]tree, error) {
	share, adaptive := t.adaptive()
	before := t.margins
	if adaptive && t.params.parallelTrees > 1 {
		before = slices.Clone(t.margins)
	}
	for k := range t.plan.groups {
		for range t.params.parallelTrees {
			if k >= len(t.grads) { // the mirrored class: its trees follow those of the first
				trees = append(trees, trees[len(trees)-t.params.parallelTrees].mirrored())
				continue
			}
			grown := t.grow(t.grads[k], t.grown)
			t.grown++
			if err := t.stopped(ctx); err != nil {
				return nil, err
			}
			if adaptive {
				t.refit(&grown, share, before)
			}
			if t.params.refreshes() {
				t.refresh(&grown, t.grads[k])
			}
			t.advance(grown, k)
			if err := t.stopped(ctx); err != nil {
				return nil, err
			}
			trees = append(trees, grown)
		}
	}
	return trees, nil
}

// advance adds a tree to the margins of group k: by leaf for its own rows, by walking for the rows that it was not shown.
func (t *trainer) advance(grown tree, k int) {
	groups := t.plan.groups
	mirror := groups == 2 && len(t.grads) == 1
	add := func(r int, v float32) {
		t.margins[r*groups+k] += v
		if mirror {
			t.margins[r*groups+1] -= v
		}
	}
	sampled := t.params.subsample < 1
	if !sampled {
		t.crew.Each(len(t.leaves), t.data.Rows*2, func(i int) {
			s := t.leaves[i]
			v, rows := grown.nodes[s.node].value, t.rows[s.from:s.to]
			if groups == 1 { // nearly always; it takes half of the time then
				margins := t.margins
				for _, r := range rows {
					margins[r] += v
				}
				return
			}
			for _, r := range rows {
				add(int(r), v)
			}
		})
		if t.held == nil {
			return
		}
	}
	t.eachRow(20, func(from, to int) {
		for r := from; r < to; r++ {
			if sampled || t.held[r] {
				add(r, grown.value(t.data.Row(r)))
			}
		}
	})
}

// eachRow calls do for blocks of rows, on several threads when the cost of a row, in nanoseconds, makes it worth it.
func (t *trainer) eachRow(cost int, do func(from, to int)) {
	rows := t.data.Rows
	blocks := (rows + gradientBlock - 1) / gradientBlock
	t.crew.Each(blocks, rows*cost, func(b int) { do(b*gradientBlock, min((b+1)*gradientBlock, rows)) })
}
