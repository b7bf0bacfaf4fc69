package text

import (
	"math"
	"syscall"
	"time"
)

// A trial is a few texts that go through a graph in two runtimes.
type trial struct {
	ins           [][]int64
	lengths       []int
	rows, columns int
	width         int
	scores        bool
	shape         []int64
}

// trialTexts are of several lengths, so that there is padding.
var trialTexts = []string{
	"The owl is awake.",
	"Twenty years ago the harbour was full of ships that carried grain, timber and salt to the towns along the coast.",
	"How do I change the owner of all tables in a schema?",
	"In 1998 the price per unit rose to 4.75, and 12 of 30 suppliers left; the others asked for longer contracts, which they got.",
}

// bfloat16Alike is the least cosine to float32 of a trial's texts. The aim is 0.9999; a graph that is below this one is one that OpenVINO gets wrong.
const bfloat16Alike = 0.999

func (e *Embedder) newTrial(s *session) *trial {
	var all [][]int32
	t := &trial{rows: len(trialTexts), width: s.width, scores: s.scores}
	for i, text := range trialTexts {
		ids := e.tokenizer.Append(nil, text, min(e.maxTokens, 32))
		if n := len(ids); i == 0 && n > 1 {
			ids[n/2] = int32(e.tokenizer.VocabSize() - 1) // ONNX Runtime refuses what is not in the model's table, OpenVINO takes it for zeros
		}
		all = append(all, ids)
		t.lengths = append(t.lengths, len(ids))
		t.columns = max(t.columns, len(ids), 1)
	}
	var b buffers
	b.grow(t.rows*t.columns, t.rows*t.columns*s.width, 0)
	for i, ids := range all {
		e.fill(&b, i, t.columns, ids, nil)
	}
	t.ins = s.inputsOf(&b)
	t.shape = s.shape(t.rows, t.columns)
	return t
}

// unstoppable is the stopper of a run that nobody stops.
type unstoppable struct{}

func (unstoppable) begun(func()) bool { return true }
func (unstoppable) ended()            {}

// run gives the output of all texts.
func (t *trial) run(e engine) ([]float32, error) {
	out := make([]float32, volume(t.shape))
	return out, e.run(t.ins, t.rows, t.columns, out, t.shape, unstoppable{})
}

// texts calls f with what each of two outputs has for a text: its scores, or the sum of its tokens' vectors.
func (t *trial) texts(a, b []float32, f func(a, b []float64)) {
	for i := range t.rows {
		x, y := make([]float64, t.width), make([]float64, t.width)
		n, from := t.lengths[i], i*t.columns*t.width
		if t.scores {
			n, from = 1, i*t.width
		}
		for j := range n {
			for k := range t.width {
				x[k] += float64(a[from+j*t.width+k])
				y[k] += float64(b[from+j*t.width+k])
			}
		}
		f(x, y)
	}
}

// alike is the least cosine of two outputs' texts. Of scores, which have no direction, it is less the further they are apart.
func (t *trial) alike(a, b []float32) float64 {
	least := 1.0
	t.texts(a, b, func(x, y []float64) {
		var xx, yy, xy, apart, most float64
		for i := range x {
			xx, yy, xy = xx+x[i]*x[i], yy+y[i]*y[i], xy+x[i]*y[i]
			apart, most = max(apart, math.Abs(x[i]-y[i])), max(most, math.Abs(y[i]))
		}
		switch {
		case t.scores:
			d := apart / (1 + most)
			least = min(least, 1-d*d/2) // as of an angle of d
		case xx == 0 && yy == 0:
		default:
			least = min(least, xy/math.Sqrt(xx*yy))
		}
	})
	return least
}

// same tells whether two outputs' texts are the same to float32's accuracy, as far as sums in another order leave it: 1e-5 of a vector's length.
func (t *trial) same(a, b []float32) bool {
	good := true
	t.texts(a, b, func(x, y []float64) {
		length := 0.0
		for i := range y {
			length += y[i] * y[i]
		}
		for i := range x {
			good = good && math.Abs(x[i]-y[i]) <= 1e-5*max(1, math.Sqrt(length))
		}
	})
	return good
}

// compare says how many times as fast the second engine is; both have had a run. They take turns, and the best run of each counts, in processor time: the clock's would be that of
// whatever else the machine does.
func (t *trial) compare(a, b engine) (float64, error) {
	best := [2]time.Duration{math.MaxInt64, math.MaxInt64}
	for start, round := time.Now(), 0; round < 3 || round < 12 && time.Since(start) < measuring; round++ {
		for i, e := range []engine{a, b} {
			began := processorTime()
			if _, err := t.run(e); err != nil {
				return 0, err
			}
			best[i] = min(best[i], max(1, processorTime()-began))
		}
	}
	return float64(best[0]) / float64(best[1]), nil
}

// processorTime is what the process has used of the processors.
func processorTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
