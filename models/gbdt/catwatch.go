package gbdt

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pgowl/pgowl/models/learn"
)

// catStopping is early stopping: od_type, od_wait, early_stopping_rounds and use_best_model.
type catStopping struct {
	rounds int  // early_stopping_rounds, 0 is not given
	wait   int  // od_wait, 0 is not given
	iter   bool // od_type is Iter
	all    bool // keep the trees after the best one
}

// heldShare is the part of the rows that early stopping judges by: pgml.train has no way to name a second data set.
const heldShare = .1

// patience is the number of rounds without a better metric after which to stop; 0 is never. Errors are *learn.ParamError.
func (s *catStopping) patience() (int, error) {
	switch {
	case s.rounds > 0 && s.wait > 0:
		return 0, &learn.ParamError{Name: "od_wait", Value: s.wait, Reason: "only one of od_wait and early_stopping_rounds can be given"}
	case s.rounds+s.wait > 0:
		return s.rounds + s.wait, nil
	case s.iter:
		return 20, nil // CatBoost's default
	}
	return 0, nil
}

// catMetric is a metric of margins, and whether more is better.
type catMetric struct {
	higher bool
	of     func(margins [][]float64, y, w []float32) float64
}

// metric is eval_metric, or the loss itself. Without early stopping nobody asks, as in CatBoost without a second data set. Errors are *learn.ParamError.
func (f *catFit) metric() (catMetric, error) {
	c := &f.p.catting
	name := c.evalMetric
	if name == "" {
		name = c.loss.given
		if name == "" {
			name = c.loss.name
		}
	}
	base, _, _ := strings.Cut(name, ":")
	bad := func(format string, args ...any) (catMetric, error) {
		return catMetric{}, &learn.ParamError{Name: "eval_metric", Value: name, Reason: fmt.Sprintf("%q ", name) + fmt.Sprintf(format, args...)}
	}
	classes := f.t.data.Classes
	switch base {
	case "AUC":
		if f.groups != 1 || classes != 2 {
			return bad("is here for two classes")
		}
		return catMetric{true, func(margins [][]float64, y, w []float32) float64 {
			e := &evaluated{y: y, w: w, k: 1}
			for _, m := range margins[0] {
				e.preds = append(e.preds, float32(m))
			}
			return areaUnder("auc")(e)
		}}, nil
	case "Accuracy", "ZeroOneLoss":
		if classes == 0 {
			return bad("is for classification")
		}
		return catMetric{base == "Accuracy", func(margins [][]float64, y, w []float32) float64 {
			share := hitRate(margins, y, w)
			if base == "ZeroOneLoss" {
				return 1 - share
			}
			return share
		}}, nil
	case "R2":
		if classes != 0 {
			return bad("is for regression")
		}
		return catMetric{true, func(margins [][]float64, y, w []float32) float64 {
			return -weightedLoss(squaredLoss(), margins[0], y, w) // as good as R2: what it is divided by stays
		}}, nil
	}
	q := params{}
	if reason := setCatLoss(&q, name); reason != "" {
		return bad("is no metric here: there are the losses, AUC, Accuracy, ZeroOneLoss and R2; others are not available yet")
	}
	rule := catLossRules[base]
	switch {
	case (rule.task == learn.Regression) != (classes == 0):
		return bad("is for %s", rule.task)
	case (rule.point == nil) != (catLossRules[c.loss.name].point == nil):
		return bad("does not fit loss_function %s", c.loss.name)
	case rule.point == nil:
		return catMetric{false, func(margins [][]float64, y, w []float32) float64 {
			loss, p, total, weight := softmaxLoss{classes: classes}, make([]float64, classes), 0.0, 0.0
			for r, v := range y {
				loss.probabilities(p, margins, r)
				total -= weightOf(w, r) * math.Log(max(p[int(v)], epsilon))
				weight += weightOf(w, r)
			}
			return total / weight
		}}, nil
	}
	point := rule.point(q.catting.loss.values)
	return catMetric{false, func(margins [][]float64, y, w []float32) float64 { return weightedLoss(point, margins[0], y, w) }}, nil
}

func weightedLoss(l *pointLoss, margins []float64, y, w []float32) float64 {
	total, weight := 0.0, 0.0
	for r, m := range margins {
		total += weightOf(w, r) * l.value(m, float64(y[r]))
		weight += weightOf(w, r)
	}
	return total / weight
}

// hitRate is the share of the rows whose class is the likeliest one.
func hitRate(margins [][]float64, y, w []float32) float64 {
	hits, weight := 0.0, 0.0
	for r, v := range y {
		best := 0
		for k := range margins {
			if margins[k][r] > margins[best][r] {
				best = k
			}
		}
		if len(margins) == 1 {
			best = int(b2f(margins[0][r] > 0))
		}
		if best == int(v) {
			hits += weightOf(w, r)
		}
		weight += weightOf(w, r)
	}
	return hits / weight
}

// catWatch judges the trees by rows that they were not grown from.
type catWatch struct {
	apart    *learn.Dataset
	weights  []float32
	margins  [][]float64
	metric   catMetric
	stopper  stopper
	keepBest bool // forget the rounds after the best one
}

// watchApart prepares early stopping by rows that lie apart.
func (f *catFit) watchApart(apart *learn.Dataset, patience int) error {
	metric, err := f.metric()
	if err != nil {
		return err
	}
	f.watch = &catWatch{apart: apart, metric: metric, weights: apart.Weights, stopper: stopper{patience: patience}, keepBest: !f.p.catting.stopping.all}
	classes, err := f.p.catting.weights.classes(apart, f.p.catting.loss.name)
	if err != nil {
		return err
	}
	if classes != nil {
		f.watch.weights = make([]float32, apart.Rows)
		for r, y := range apart.Y {
			f.watch.weights[r] = float32(weightOf(apart.Weights, r) * classes[int(y)])
		}
	}
	for _, begin := range f.begin {
		f.watch.margins = append(f.watch.margins, slices.Repeat([]float64{begin}, apart.Rows))
	}
	f.watch.stopper.judge(0)
	return nil
}

// judge adds the trees of a round and says whether they were the last.
func (f *catFit) judge(latest []tree) bool {
	w := f.watch
	for k := range latest {
		addTree(w.margins[k], &latest[k], 1, w.apart, f.t.crew)
	}
	loss := w.metric.of(w.margins, w.apart.Y, w.weights)
	if w.metric.higher {
		loss = -loss
	}
	return w.stopper.judge(loss)
}
