package gbdt

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/pgowl/pgowl/models/learn"
)

// linearParams are the parameters of booster gblinear beside eta, lambda and alpha.
type linearParams struct {
	selector  string  // feature_selector; empty is cyclic
	top       int     // top_k; 0 is all
	tolerance float64 // rounds end when no weight changes by more
}

// agree checks the updater, XGBoost's shotgun by default. Shotgun is the same here as coord_descent: XGBoost's changes the features at once and
// without locks, so that its result depends on the threads' luck; one feature after the other is what it comes to with one thread.
func (l *linearParams) agree(updaters []string, bad func(name string, value any, reason string) error) error {
	if len(updaters) > 1 {
		return bad("updater", updaters, "the linear booster has one updater")
	}
	shotgun := len(updaters) == 0 || updaters[0] == "shotgun"
	if shotgun && l.selector != "" && l.selector != "cyclic" && l.selector != "shuffle" {
		return bad("feature_selector", l.selector, "updater shotgun takes cyclic or shuffle; the others need coord_descent")
	}
	return nil
}

// descent is the state of a linear fit: coordinate descent with elastic net, following XGBoost's src/linear.
type descent struct {
	t             *trainer
	columns       [][]float32 // the data by feature
	model         *Linear
	alpha, lambda float64 // times the weight of all rows
	order         []int32 // of the features, for shuffle
}

func (t *trainer) fitLinear(ctx context.Context, progress learn.Progress) (learn.Model, error) {
	d, err := t.newDescent(ctx)
	if err != nil {
		return nil, err
	}
	var best *Linear
	for round := range t.params.rounds {
		t.gradients()
		for _, grads := range t.grads {
			for r := range grads {
				if t.held.has(r) {
					grads[r] = gradient{}
				}
			}
		}
		change := d.round(uint64(round))
		t.eachRow(t.data.Features*t.plan.groups*2, func(from, to int) {
			for r := from; r < to; r++ {
				for k := range t.plan.groups {
					t.margins[r*t.plan.groups+k] = d.model.margin(k, t.data.Row(r))
				}
			}
		})
		if err := t.stopped(ctx); err != nil {
			return nil, err
		}
		var scores []learn.Score
		if t.watch != nil {
			scores = t.watch.look(round, t.margins, t.crew)
		}
		if progress != nil {
			progress(round+1, t.params.rounds, scores...)
		}
		if t.held != nil && t.watch.bestRound == round {
			best = d.model.clone()
		}
		if t.held != nil && t.watch.over(round) || change <= t.params.linear.tolerance && t.params.linear.tolerance > 0 {
			break
		}
	}
	if best == nil {
		best = d.model
	}
	for _, v := range append(slices.Clone(best.biases), best.weights...) {
		if v != v || math.IsInf(float64(v), 0) {
			return nil, errDiverged
		}
	}
	return best, nil
}

func (t *trainer) newDescent(ctx context.Context) (*descent, error) {
	rows, features, groups := t.data.Rows, t.data.Features, t.plan.groups
	t.margins = make([]float32, rows*groups)
	for i := range t.margins {
		t.margins[i] = t.plan.base
	}
	t.grads = make([][]gradient, groups)
	for k := range t.grads {
		t.grads[k] = make([]gradient, rows)
	}
	d := &descent{t: t, columns: make([][]float32, features)}
	t.crew.Each(features, rows*features*2, func(f int) {
		column := make([]float32, rows)
		for r := range column {
			v := t.data.X[r*features+f]
			if v != v {
				v = 0 // adds nothing
			}
			column[r] = v
		}
		d.columns[f] = column
	})
	if err := t.stopped(ctx); err != nil {
		return nil, err
	}
	for f, column := range d.columns {
		for _, v := range column {
			if math.IsInf(float64(v), 0) {
				return nil, fmt.Errorf("gbdt: feature %d: holds an infinite value", f)
			}
		}
	}
	weight := 0.0
	for r := range rows {
		if !t.held.has(r) {
			weight += weightOf(t.data.Weights, r)
		}
	}
	d.alpha, d.lambda = t.params.alpha*weight, t.params.lambda*weight
	d.model = &Linear{
		features: features, classes: t.plan.classes, groups: groups, objective: t.plan.id,
		biases: make([]float32, groups), weights: make([]float32, groups*features),
	}
	for k := range d.model.biases {
		d.model.biases[k] = t.plan.base
	}
	return d, nil
}

func (m *Linear) clone() *Linear {
	c := *m
	c.biases, c.weights = slices.Clone(m.biases), slices.Clone(m.weights)
	return &c
}

// round changes the biases and then each weight once, as the selector says, and returns the largest change.
func (d *descent) round(round uint64) float64 {
	largest := 0.0
	for k := range d.t.plan.groups {
		grads := d.t.grads[k]
		s := d.sums(grads, nil)
		if s.h > 0 {
			step := float32(d.t.params.eta * -s.g / s.h)
			d.model.biases[k] += step
			d.move(grads, nil, step)
			largest = max(largest, math.Abs(float64(step)))
		}
		next := d.selector(round, k)
		for i := range d.t.data.Features {
			f := next(i)
			if f < 0 || d.t.crew.Stopped() {
				break
			}
			w := &d.model.weights[k*d.t.data.Features+f]
			step := float32(d.t.params.eta * d.change(d.sums(grads, d.columns[f]), float64(*w)))
			*w += step
			d.move(grads, d.columns[f], step)
			largest = max(largest, math.Abs(float64(step)))
		}
	}
	return largest
}

// sums adds up a feature's gradients, in blocks of fixed size; a nil column is one of ones.
func (d *descent) sums(grads []gradient, column []float32) sum {
	parts := make([]sum, (len(grads)+gradientBlock-1)/gradientBlock)
	d.t.eachRow(2, func(from, to int) {
		var s sum
		for r := from; r < to; r++ {
			g, v := grads[r], float32(1)
			if column != nil {
				v = column[r]
			}
			s.g += float64(g.g * v)
			s.h += float64(g.h * v * v)
		}
		parts[from/gradientBlock] = s
	})
	var s sum
	for _, p := range parts {
		s.g += p.g
		s.h += p.h
	}
	return s
}

// change is the step of a weight w with elastic net (XGBoost's CoordinateDelta).
func (d *descent) change(s sum, w float64) float64 {
	if s.h < 1e-5 {
		return 0
	}
	g, h := s.g+d.lambda*w, s.h+d.lambda
	if w-g/h >= 0 {
		return max(-(g+d.alpha)/h, -w)
	}
	return min(-(g-d.alpha)/h, -w)
}

// move takes a change of a weight into the gradients.
func (d *descent) move(grads []gradient, column []float32, step float32) {
	if step == 0 {
		return
	}
	d.t.eachRow(2, func(from, to int) {
		for r := from; r < to; r++ {
			v := float32(1)
			if column != nil {
				v = column[r]
			}
			grads[r].g += grads[r].h * v * step
		}
	})
}

// selector returns which feature is changed as the i-th of a round, -1 for no more (XGBoost's FeatureSelector).
func (d *descent) selector(round uint64, k int) func(i int) int {
	p := &d.t.params
	n := d.t.data.Features
	last := n
	if p.linear.top > 0 {
		last = min(n, p.linear.top)
	}
	switch p.linear.selector {
	case "shuffle":
		if k == 0 {
			d.order = numbers(n)
			key := draw(p.seed, drawFeature, round)
			for i := n - 1; i > 0; i-- {
				key = mix(key)
				j := int(key % uint64(i+1))
				d.order[i], d.order[j] = d.order[j], d.order[i]
			}
		}
		return func(i int) int { return int(d.order[i]) }
	case "random":
		return func(i int) int { return int(draw(p.seed, drawFeature, round, uint64(k), uint64(i)) % uint64(n)) }
	case "thrifty":
		steps := d.steps(k)
		order := numbers(n)
		slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(steps[b], steps[a]) })
		return func(i int) int {
			if i >= last || i+1 == n {
				return -1 // XGBoost leaves the last feature out, too
			}
			return int(order[i])
		}
	case "greedy":
		return func(i int) int {
			if i >= last || i+1 == n {
				return -1
			}
			best := 0
			steps := d.steps(k)
			for f, s := range steps {
				if s > steps[best] {
					best = f
				}
			}
			return best
		}
	}
	return func(i int) int { return i }
}

// steps is the absolute change that each feature would make now.
func (d *descent) steps(k int) []float32 {
	out := make([]float32, d.t.data.Features)
	for f := range out {
		w := d.model.weights[k*len(out)+f]
		out[f] = float32(math.Abs(d.change(d.sums(d.t.grads[k], d.columns[f]), float64(w))))
	}
	return out
}

// numbers is 0 to n-1.
func numbers(n int) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(i)
	}
	return out
}
