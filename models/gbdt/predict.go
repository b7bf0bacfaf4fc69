package gbdt

import (
	"context"

	"github.com/pgowl/pgowl/models/crew"
)

// parallelFrom is the work, in rows times trees, from which a prediction is spread over the cores (0.1 to 0.8 ms).
const parallelFrom = 1 << 16

// Predict writes one value a row to dst: the regression value, or the index of the most probable class (the first of
// equals). x holds len(dst) rows. One row allocates nothing.
func (m *Model) Predict(dst, x []float32) {
	if len(dst) == 1 {
		dst[0] = m.predictOne(x[:m.features])
		return
	}
	m.blocks(len(dst), func(from, to int) {
		m.predictBlock(dst[from:to], x[from*m.features:to*m.features])
	})
}

// Probabilities writes Classes values a row to dst. On a regression it writes nothing.
func (m *Model) Probabilities(dst, x []float32) {
	k := m.classes
	if k == 0 {
		return
	}
	if len(dst) == k {
		m.probabilities(dst, x[:m.features])
		return
	}
	m.blocks(len(dst)/k, func(from, to int) {
		m.probabilities(dst[from*k:to*k], x[from*m.features:to*m.features])
	})
}

// blocks calls do for pieces of at most blockRows rows, on all cores when there is enough to do.
func (m *Model) blocks(rows int, do func(from, to int)) {
	size := m.blockRows()
	n := (rows + size - 1) / size
	piece := func(b int) { do(b*size, min((b+1)*size, rows)) }
	if rows*len(m.trees) < parallelFrom {
		for b := range n {
			piece(b)
		}
		return
	}
	c, release := crew.New(context.Background(), 0)
	defer release()
	c.Each(n, crew.Large, piece)
}

func (m *Model) predictOne(row []float32) float32 {
	best, at := m.fast[0].addOne(m.base, row), 0
	if !m.objective.several() {
		return m.value(best)
	}
	for k := 1; k < m.groups; k++ {
		if v := m.fast[k].addOne(m.base, row); v > best {
			best, at = v, k
		}
	}
	return float32(at)
}

// half is the largest margin whose probability, as a float32, is not above 0.5. Classes are told apart by it: whoever computes margins with another
// exponential function, as a model's SQL form does, gets the same classes.
const half = 0x1p-23

// value is the prediction from the margin of a model with one.
func (m *Model) value(margin float32) float32 { return valueOf(m.objective, m.classes, margin) }

// valueOf is the prediction from the margin of a model with one, of an objective other than softmax.
func valueOf(o objectiveID, classes int, margin float32) float32 {
	switch {
	case classes == 0 || o == hinge:
		return o.link().apply(margin)
	case margin > half:
		return 1
	}
	return 0
}

// probabilitiesOf turns the margins of a row into a probability a class, in place. Where two classes have one margin, it is the first value.
func probabilitiesOf(o objectiveID, out []float32) {
	switch o {
	case softmax:
		softmaxOf(out)
		return
	case oneAgainstRest:
		for k, m := range out {
			out[k] = sigmoidOf(m)
		}
		return
	}
	p := o.link().apply(out[0])
	out[0], out[1] = 1-p, p
}

func (m *Model) predictBlock(dst, x []float32) {
	b := m.block(len(dst), x)
	defer b.done()
	var best, now [sweepRows]float32
	b.margins(0, best[:len(dst)])
	if !m.objective.several() {
		for r := range dst {
			dst[r] = m.value(best[r])
		}
		return
	}
	clear(dst)
	for k := 1; k < m.groups; k++ {
		b.margins(k, now[:len(dst)])
		for r := range dst {
			if now[r] > best[r] {
				best[r], dst[r] = now[r], float32(k)
			}
		}
	}
}

// probabilities does the rows of a block.
func (m *Model) probabilities(dst, x []float32) {
	k := m.classes
	rows := len(dst) / k
	b := m.block(rows, x)
	defer b.done()
	var margins [sweepRows]float32
	for g := range m.groups {
		b.margins(g, margins[:rows])
		for r := range rows {
			dst[r*k+g] = margins[r]
		}
	}
	for r := range rows {
		probabilitiesOf(m.objective, dst[r*k:][:k])
	}
}

// blockRows is the number of rows of a block.
func (m *Model) blockRows() int {
	if m.sweep != nil {
		return sweepRows
	}
	return predictBlock
}

// block is rows that pass by all trees together, up to blockRows.
type block struct {
	m       *Model
	x       []float32
	scratch *scratch // not nil: they are swept
}

func (m *Model) block(rows int, x []float32) block {
	b := block{m: m, x: x}
	if m.sweep != nil && rows >= sweepLeast {
		b.scratch = scratches.Get().(*scratch)
		m.sweep.rank(b.scratch, x, m.features)
	}
	return b
}

// margins writes margin g of each row.
func (b *block) margins(g int, out []float32) {
	m := b.m
	for r := range out {
		out[r] = m.base
	}
	switch {
	case b.scratch != nil:
		m.sweep.add(b.scratch, g, out, b.x, m.features)
	case len(out) == 1:
		out[0] = m.fast[g].addOne(m.base, b.x)
	default:
		m.fast[g].addBlock(out, b.x, m.features)
	}
}

func (b *block) done() {
	if b.scratch != nil {
		scratches.Put(b.scratch)
	}
}
