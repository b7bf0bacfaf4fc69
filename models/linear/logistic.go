package linear

import (
	"fmt"
	"math"

	"github.com/pgowl/pgowl/models/crew"
	"github.com/pgowl/pgowl/models/learn"
)

// logistic fits a classification.
func logistic(c *crew.Crew, d *learn.Dataset, p *logisticParams, progress learn.Progress) (*Model, error) {
	cols, err := examine(c, d, p.intercept)
	if err != nil {
		return nil, err
	}
	m := &Model{kind: p.kind(d.Classes), features: d.Features, classes: d.Classes, mean: cols.mean}
	weights, err := p.classWeights(d)
	if err != nil {
		return nil, err
	}
	fits, margins := 1, 1
	switch m.kind {
	case oneVsRest:
		fits = d.Classes
	case multinomial:
		margins = d.Classes
	}
	if d.Rows > maxProbabilities/margins {
		return nil, fmt.Errorf("linear: %d rows of %d classes are too many: their probabilities would take more than %d GB", d.Rows, d.Classes, maxProbabilities>>28)
	}
	if n := margins * (d.Features + 1); p.lasso() > 0 && n > sparseLimit {
		return nil, &learn.ParamError{Name: "penalty", Value: p.penalty, Reason: fmt.Sprintf("by size for %d coefficients (up to %d are taken) is not available yet", n, sparseLimit)}
	}
	if progress != nil {
		progress(0, fits*p.iterations)
	}
	for k := range fits {
		f := &fit{crew: c, design: design{data: d, columns: cols, ones: p.intercept}, params: p, kind: m.kind, one: 1, weights: weights}
		if m.kind == oneVsRest {
			f.one = k
			f.balance()
		}
		told := func(done, total int) {
			if progress != nil {
				progress(k*total+done, fits*total)
			}
		}
		if err := f.run(told); err != nil {
			return nil, err
		}
		f.finish(m)
	}
	return m.check()
}

// maxProbabilities is the number of probabilities that a fit keeps; it does so twice, as float32.
const maxProbabilities = 1 << 30

// sumsLimit is the memory for the sums of all blocks, in bytes.
const sumsLimit = 1 << 28

// fit is one minimisation: the sum of the rows' losses and the penalty, half the coefficients' squares (or their sizes) over C. The unknowns are the coefficients of the scaled
// columns, a row of them for each margin with the intercept behind, which makes their sizes alike; penalties are turned so that they mean the
// columns as they are.
type fit struct {
	crew *crew.Crew
	design
	params  *logisticParams
	kind    kind
	one     int       // the class that the margin is for, of a kind with one margin a fit
	weights []float64 // of the rows of each class

	margins int
	penalty []float64 // of each column's square
	lasso   []float64 // of each column's size; nil for none
	total   float64   // weight of all rows
	u       []float64
	now     state
}

// state is what is known at a point.
type state struct {
	loss  float64
	slope []float64
	proba []float32 // a row of margins' probabilities for each row of data
}

func (f *fit) prepare() {
	f.margins = 1
	if f.kind == multinomial {
		f.margins = f.data.Classes
	}
	width := f.width()
	f.penalty = make([]float64, width)
	share := f.params.lasso()
	if share > 0 {
		f.lasso = make([]float64, width)
	}
	for j := range f.data.Features {
		if f.params.c > 0 {
			f.penalty[j] = (1 - share) * f.inverse[j] * f.inverse[j] / f.params.c
			if share > 0 {
				f.lasso[j] = share * f.inverse[j] / f.params.c
			}
		}
	}
	for r := range f.data.Y {
		f.total += f.weight(r)
	}
	f.u = make([]float64, f.margins*width)
}

// weight is how much a row counts: its own weight times that of its class.
func (f *fit) weight(r int) float64 { return f.weights[int(f.data.Y[r])] * f.data.Weight(r) }

// original turns unknowns into coefficients of the features as they are, and intercepts.
func (f *fit) original(u []float64) (w, bias []float64) {
	n, width := f.data.Features, f.width()
	w, bias = make([]float64, f.margins*n), make([]float64, f.margins)
	for k := range f.margins {
		for j := range n {
			w[k*n+j] = u[k*width+j] * f.inverse[j]
			bias[k] -= w[k*n+j] * f.centre[j]
		}
		if f.ones {
			bias[k] += u[k*width+n]
		}
	}
	return w, bias
}

// rows calls do for each row with its index, its features and its block's sums, and adds the sums in block order. There are size of them.
func (f *fit) rows(size int, do func(r int, row, sum []float64)) []float64 {
	bl := newBlocks(f.data.Rows)
	bl.count = max(1, min(bl.count, sumsLimit/(8*size)))
	sums := make([][]float64, bl.count)
	f.crew.Each(bl.count, crew.Large, func(b int) {
		sum, row := make([]float64, size), make([]float64, f.data.Features)
		from, to := bl.bounds(b)
		for r := from; r < to; r++ {
			if r&1023 == 0 && f.crew.Stopped() {
				break
			}
			widen(row, f.data.Row(r))
			do(r, row, sum)
		}
		sums[b] = sum
	})
	if f.crew.Stopped() {
		return make([]float64, size) // whoever stopped it asks no more
	}
	for _, sum := range sums[1:] {
		axpy(sums[0], 1, sum)
	}
	return sums[0]
}

// at computes the loss, its slope and the probabilities at u.
func (f *fit) at(u []float64, into *state) {
	n, width, k := f.data.Features, f.width(), f.margins
	w, bias := f.original(u)
	if into.proba == nil {
		into.proba = make([]float32, f.data.Rows*k)
	}
	// Sums: for each margin that of residual times feature and of the residuals, and the loss.
	sums := f.rows(k*(n+1)+1, func(r int, row, sum []float64) {
		y := int(f.data.Y[r])
		weight := f.weight(r)
		p := into.proba[r*k:][:k]
		var room [32]float64
		ms := room[:0]
		for i := range k {
			ms = append(ms, bias[i]+dot(w[i*n:][:n], row))
		}
		loss := 0.0
		if k == 1 {
			ms[0], loss = binaryLoss(ms[0], y == f.one)
		} else {
			loss = softmaxLoss(ms, y)
		}
		sum[k*(n+1)] += weight * loss
		for i, prob := range ms {
			p[i] = float32(prob)
			e := prob
			if k > 1 && i == y || k == 1 && y == f.one {
				e--
			}
			e *= weight
			axpy(sum[i*(n+1):][:n], e, row)
			sum[i*(n+1)+n] += e
		}
	})
	into.loss = sums[k*(n+1)]
	into.slope = f.scaled(sums)
	for i := range k {
		for j := range n {
			at := i*width + j
			into.loss += f.penalty[j] * u[at] * u[at] / 2
			into.slope[at] += f.penalty[j] * u[at]
		}
	}
}

// scaled turns sums over features as they are into sums over columns: those of each margin, with the sum of the factors behind.
func (f *fit) scaled(sums []float64) []float64 {
	n, width := f.data.Features, f.width()
	out := make([]float64, f.margins*width)
	for i := range f.margins {
		s := sums[i*(n+1):][:n+1]
		for j := range n {
			out[i*width+j] = (s[j] - f.centre[j]*s[n]) * f.inverse[j]
		}
		if f.ones {
			out[i*width+n] = s[n]
		}
	}
	return out
}

// binaryLoss turns a margin into the probability of yes, and gives the loss.
func binaryLoss(margin float64, yes bool) (p, loss float64) {
	e := math.Exp(-math.Abs(margin))
	loss = math.Log1p(e)
	p = e / (1 + e)
	if margin > 0 {
		p = 1 / (1 + e)
	}
	if yes == (margin < 0) {
		loss += math.Abs(margin)
	}
	return p, loss
}

// softmaxLoss turns margins into probabilities, in place, and gives the loss of class y.
func softmaxLoss(ms []float64, y int) (loss float64) {
	top := ms[0]
	for _, v := range ms[1:] {
		top = max(top, v)
	}
	sum, own := 0.0, ms[y]-top
	for i, v := range ms {
		ms[i] = math.Exp(v - top)
		sum += ms[i]
	}
	for i := range ms {
		ms[i] /= sum
	}
	return math.Log(sum) - own
}

// finish adds the fit's margins to the model.
func (f *fit) finish(m *Model) {
	n := f.data.Features
	w, bias := f.original(f.u)
	if f.margins > 1 {
		// The margins of all classes may be moved together without any effect. Of penalised coefficients the penalty chooses; the others, and the
		// intercepts, get a mean of 0, as a search that begins at 0 leaves them.
		for j := range n {
			if f.params.c == 0 {
				level(w[j:], n)
			}
		}
		if f.ones {
			level(bias, 1)
		}
	}
	m.weights, m.bias = append(m.weights, w...), append(m.bias, bias...)
}

// level subtracts the mean of every n-th value of x.
func level(x []float64, n int) {
	mean, count := 0.0, 0.0
	for i := 0; i < len(x); i += n {
		mean += x[i]
		count++
	}
	mean /= count
	for i := 0; i < len(x); i += n {
		x[i] -= mean
	}
}

// balance sets the weights of the rows of one class and of the rest, where the classes' weights are to be balanced.
func (f *fit) balance() {
	if !f.params.balanced {
		return
	}
	ones, all := 0.0, 0.0
	for r, y := range f.data.Y {
		w := f.data.Weight(r)
		if int(y) == f.one {
			ones += w
		}
		all += w
	}
	f.weights = make([]float64, f.data.Classes)
	for k := range f.weights {
		n := all - ones
		if k == f.one {
			n = ones
		}
		if n > 0 {
			f.weights[k] = all / (2 * n)
		}
	}
}
