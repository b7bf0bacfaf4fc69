package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/pgowl/pgowl/models/learn"
	"github.com/pgowl/pgowl/models/metrics"
)

const (
	marginTolerance = 1e-4  // of a value or margin that is 1 or less, and of its size beyond
	metricTolerance = 0.002 // of a metric
	// faint is the least probability that is told from less: further out a float32 near 1 does not tell the margin.
	faint = 1e-3
)

const (
	// rowSeeds are enough seeds where every row is compared.
	rowSeeds = 2
	// fewClasses is the largest number of classes of the sets on which what is drawn at random is compared: it takes all the seeds, and each class a model.
	fewClasses = 3
)

// students are the two-sided quantiles of Student's distribution for one in a hundred, by degrees of freedom from 1 on: so many standard errors a mean
// difference may be from what it would be over all seeds, beside metricTolerance.
var students = []float64{63.66, 9.92, 5.84, 4.60, 4.03, 3.71, 3.50, 3.36, 3.25, 3.17}

// comparison is a setting on a set, for some seeds.
type comparison struct {
	setting setting
	set     *set
	byRows  bool
	fits    []*fit
}

// plan makes the comparisons that make sense.
func plan(chosen []setting, sets []*set, seeds int) []*comparison {
	var out []*comparison
	for _, s := range chosen {
		for _, d := range sets {
			switch {
			case s.task != d.task(),
				d.titles && !s.titles,
				d.gaps && slices.Contains(noGaps, s.algorithm),
				s.classes > 0 && s.classes != d.data.Classes:
				continue
			}
			c := &comparison{setting: s, set: d, byRows: s.strict == byRows || s.strict == byRowsOfFew && d.few}
			if s.draws && d.data.Classes > fewClasses {
				continue
			}
			n := seeds
			if c.byRows {
				n = min(n, rowSeeds)
			}
			for seed := range n {
				c.fits = append(c.fits, &fit{seed: seed, setting: s, set: d})
			}
			out = append(out, c)
		}
	}
	return out
}

// deviations are the differences of two predictions of the same rows, of each value or margin: of classes the logarithms of the probabilities less their mean.
// They are relative for what is larger than 1.
func deviations(ours, theirs []float64, classes int) []float64 {
	if classes > 0 {
		ours, theirs = margins(ours, classes), margins(theirs, classes)
	}
	out := make([]float64, len(ours))
	for i := range out {
		out[i] = math.Abs(ours[i]-theirs[i]) / max(1, math.Abs(theirs[i]))
		if math.IsNaN(out[i]) {
			out[i] = math.Inf(1)
		}
	}
	return out
}

func margins(probabilities []float64, classes int) []float64 {
	out := make([]float64, len(probabilities))
	for i, p := range probabilities {
		out[i] = math.Log(max(p, faint))
	}
	for row := range slices.Chunk(out, classes) {
		mean := 0.0
		for _, v := range row {
			mean += v / float64(classes)
		}
		for k := range row {
			row[k] -= mean
		}
	}
	return out
}

// metricNames are the metrics in the order of the table, of a regression and of a classification.
var metricNames = map[learn.Task][]string{
	learn.Regression:     {"r2"},
	learn.Classification: {"accuracy", "f1", "roc_auc", "log_loss"},
}

// score computes the metrics of a prediction, values or probabilities. The area under the curve is of two classes only; else it is not there.
func score(y []float32, prediction []float64, classes int) map[string]float64 {
	if classes == 0 {
		return map[string]float64{"r2": metrics.Regression(y, narrow(prediction)).R2}
	}
	chosen := make([]float32, len(y))
	loss, i := 0.0, 0
	for row := range slices.Chunk(prediction, classes) {
		best := 0
		for k, p := range row {
			if p > row[best] {
				best = k
			}
		}
		chosen[i] = float32(best)
		loss -= math.Log(min(max(row[int(y[i])], 1e-7), 1)) / float64(len(y))
		i++
	}
	s := metrics.Classification(y, chosen, narrow(prediction), classes)
	m := map[string]float64{"accuracy": s.Accuracy, "f1": s.F1, "log_loss": loss}
	if !math.IsNaN(s.ROCAUC) {
		m["roc_auc"] = s.ROCAUC
	}
	return m
}

func narrow(v []float64) []float32 {
	out := make([]float32, len(v))
	for i := range v {
		out[i] = float32(v[i])
	}
	return out
}

// pair is a metric of both sides, over the seeds.
type pair struct {
	ours, theirs float64 // means
	limit        float64 // of their difference
}

func (p pair) differs() bool { return !(math.Abs(p.ours-p.theirs) <= p.limit) }

// newPair takes the metric of each seed. Both sides learnt from the same rows, so that it is their differences whose spread tells how far chance goes.
func newPair(ours, theirs []float64) pair {
	differences := make([]float64, len(ours))
	for i := range ours {
		differences[i] = ours[i] - theirs[i]
	}
	p := pair{ours: mean(ours), theirs: mean(theirs)}
	p.limit = metricTolerance * max(1, math.Abs(p.theirs))
	if n := len(differences); n > 1 {
		p.limit += students[min(n-1, len(students))-1] * standardError(differences)
	}
	return p
}

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

// standardError is that of the mean; 0 of fewer than two.
func standardError(v []float64) float64 {
	if len(v) < 2 {
		return 0
	}
	m, sum := mean(v), 0.0
	for _, x := range v {
		sum += (x - m) * (x - m)
	}
	return math.Sqrt(sum / float64(len(v)-1) / float64(len(v)))
}

// deviates says whether a row is out of tolerance where rows are to be compared. Fits that failed do not.
func (c *comparison) deviates() bool {
	return c.byRows && slices.ContainsFunc(c.fits, func(f *fit) bool {
		return f.failed == "" && f.refused == "" && !near(f.ours, f.theirs, c.set.data.Classes)
	})
}

// unsettled says whether the library predicts something else where it gets the columns in another order: then many splits gain the same, and rounding
// decides among them.
func (c *comparison) unsettled() bool {
	return slices.ContainsFunc(c.fits, func(f *fit) bool { return f.shuffled != nil && !near(f.shuffled, f.theirs, c.set.data.Classes) })
}

func near(ours, theirs []float64, classes int) bool {
	return slices.Max(deviations(ours, theirs, classes)) <= marginTolerance
}

// outcome is what a comparison shows.
type outcome struct {
	rows    int     // that were judged by, of all seeds
	by      string  // what it is judged by
	largest float64 // deviation
	mean    float64
	within  float64 // share of deviations within marginTolerance
	pairs   map[string]pair
	faults  []string // what is out of tolerance
}

// judge looks at the fits, which have their predictions.
func (c *comparison) judge() outcome {
	o := outcome{pairs: map[string]pair{}, by: "metrics"}
	var all []float64
	for _, f := range c.fits {
		switch {
		case f.failed != "" && f.refused != "":
			o.faults = append(o.faults, "both refuse: "+f.failed)
		case f.failed != "":
			o.faults = append(o.faults, "ours fails: "+f.failed)
		case f.refused != "":
			o.faults = append(o.faults, "the library refuses: "+f.refused)
		}
		if len(o.faults) > 0 {
			return o
		}
		o.rows += len(f.labels)
		all = append(all, deviations(f.ours, f.theirs, c.set.data.Classes)...)
	}
	within := 0
	for _, v := range all {
		if v <= marginTolerance {
			within++
		}
	}
	o.largest, o.mean, o.within = slices.MaxFunc(all, cmp.Compare[float64]), mean(all), float64(within)/float64(len(all))
	switch {
	case !c.byRows:
	case o.largest <= marginTolerance:
		o.by = "rows"
	case c.unsettled():
		o.by = "metrics: ties"
	default:
		o.by = "rows"
		o.faults = append(o.faults, fmt.Sprintf("margins (%.2f %% within)", 100*o.within))
	}
	for _, name := range metricNames[c.setting.task] {
		var ours, theirs []float64
		for _, f := range c.fits {
			a, b := score(f.labels, f.ours, c.set.data.Classes), score(f.labels, f.theirs, c.set.data.Classes)
			if v, ok := a[name]; ok {
				ours, theirs = append(ours, v), append(theirs, b[name])
			}
		}
		if ours == nil {
			continue
		}
		p := newPair(ours, theirs)
		o.pairs[name] = p
		if p.differs() {
			o.faults = append(o.faults, fmt.Sprintf("%s (%+.4f, may be %.4f)", name, p.ours-p.theirs, p.limit))
		}
	}
	return o
}
