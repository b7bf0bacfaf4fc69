package linear

import (
	"math"
	"runtime"
	"sync"
)

// A margin is the intercept, and then each feature's product added in the order of the features, all in float64 and rounded each time. The model's
// SQL form does the same, so both have the same margins to the bit, and the same classes.

// reach bounds margins inside exponential functions: beyond, a probability is 0 or 1 in float32. The SQL form has it, too.
const reach = 103

// Predict writes one value a row to dst: the regression value, or the index of the class (the first of equals). It is NaN where a feature is,
// or where infinite ones cancel each other. One row allocates nothing.
func (m *Model) Predict(dst, x []float32) {
	if len(dst) == 1 {
		dst[0] = m.predict(x[:m.features])
		return
	}
	m.spread(len(dst), func(from, to int) {
		r := from
		if len(m.bias) == 1 {
			for ; r+4 <= to; r += 4 {
				v := m.four(x[r*m.features:][:4*m.features])
				for i, margin := range v {
					dst[r+i] = m.value(margin)
				}
			}
		}
		for ; r < to; r++ {
			dst[r] = m.predict(x[r*m.features:][:m.features])
		}
	})
}

// Probabilities writes Classes values a row to dst, NaN where Predict gives that. On a regression it writes nothing.
func (m *Model) Probabilities(dst, x []float32) {
	k := m.classes
	if k == 0 {
		return
	}
	m.spread(len(dst)/k, func(from, to int) {
		for r := from; r < to; r++ {
			m.probabilities(dst[r*k:][:k], x[r*m.features:][:m.features])
		}
	})
}

// parallelFrom is the work, in products, from which a prediction is spread over the cores.
const parallelFrom = 1 << 18

// spread calls do for pieces of the rows, on all cores when there is enough to do.
func (m *Model) spread(rows int, do func(from, to int)) {
	workers := min(runtime.GOMAXPROCS(0), rows)
	if workers <= 1 || rows*len(m.weights) < parallelFrom {
		do(0, rows)
		return
	}
	var all sync.WaitGroup
	for i := range workers {
		all.Go(func() { do(rows*i/workers, rows*(i+1)/workers) })
	}
	all.Wait()
}

// margin is the margin of a row. The conversions keep a compiler from fusing a multiplication with an addition.
func (m *Model) margin(k int, row []float32) float64 {
	w := m.weights[k*m.features:][:len(row)]
	s := m.bias[k]
	for j, v := range row {
		s += float64(w[j] * float64(v))
	}
	return s
}

// four is margin 0 of four rows: they do not wait for each other's additions.
func (m *Model) four(x []float32) [4]float64 {
	n := m.features
	w, x0, x1, x2, x3 := m.weights[:n], x[:n], x[n:2*n], x[2*n:3*n], x[3*n:4*n]
	s0, s1, s2, s3 := m.bias[0], m.bias[0], m.bias[0], m.bias[0]
	for j, v := range w {
		s0 += float64(v * float64(x0[j]))
		s1 += float64(v * float64(x1[j]))
		s2 += float64(v * float64(x2[j]))
		s3 += float64(v * float64(x3[j]))
	}
	return [4]float64{s0, s1, s2, s3}
}

// predict is the prediction for one row.
func (m *Model) predict(row []float32) float32 {
	best, at := m.margin(0, row), 0
	if len(m.bias) == 1 {
		return m.value(best)
	}
	for k := 1; k < len(m.bias); k++ {
		v := m.margin(k, row)
		if v != v {
			best = v
		}
		if v > best {
			best, at = v, k
		}
	}
	if best != best {
		return float32(best)
	}
	return float32(at)
}

// value is the prediction from the margin of a model with one.
func (m *Model) value(margin float64) float32 {
	switch {
	case m.classes == 0 || margin != margin:
		return float32(margin)
	case margin > 0:
		return 1
	}
	return 0
}

// probabilities is the probabilities of one row.
func (m *Model) probabilities(dst []float32, row []float32) {
	if m.kind == binary {
		v := m.margin(0, row)
		dst[0], dst[1] = float32(sigmoid(-v)), float32(sigmoid(v))
		return
	}
	var room [32]float64
	margins := room[:0] // of more classes it is on the heap
	top := math.Inf(-1)
	for k := range dst {
		v := m.margin(k, row)
		if v > top || v != v {
			top = v
		}
		margins = append(margins, v)
	}
	sum := 0.0
	for k, v := range margins {
		if m.kind == oneVsRest {
			margins[k] = sigmoid(v)
		} else {
			margins[k] = math.Exp(max(v-top, -reach))
		}
		sum += margins[k]
	}
	for k, v := range margins {
		dst[k] = float32(v / sum)
	}
}

// sigmoid is the logistic function.
func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(min(max(-x, -reach), reach))) }
