package text

import (
	"fmt"
	"slices"
)

// run runs a batch and hands each text's pooled vector to each. The vector is valid until each returns.
func (e *Embedder) run(b *batch, each func(p part, i int, pooled []float32)) (err error) {
	defer e.caught(&err)
	room, _ := e.buffers.Get().(*buffers)
	if room == nil {
		room = new(buffers)
	}
	defer e.buffers.Put(room)
	columns := b.longest
	if e.gpu != nil {
		columns = (columns + 7) &^ 7          // tensor cores work on eights
		if p := e.settings.positions; p > 0 { // a graph looks up a position for padding, too
			columns = max(b.longest, min(columns, p))
		}
	}
	room.grow(b.rows*columns, volume(e.session.shape(b.rows, columns)), e.widest)
	room.weights = slices.Grow(room.weights[:0], b.rows*e.session.ways*columns)[:b.rows*e.session.ways*columns]
	clear(room.types)
	row := 0
	for _, p := range b.parts {
		for _, i := range p.texts {
			e.fill(room, row, columns, p.call.work.text(i), p.call.work.kinds(i))
			for way := range e.session.ways {
				n := p.call.work.lengths[i]
				weigh(room.weights[(row*e.session.ways+way)*columns:][:columns], n, min(p.call.work.skip, n-1), e.settings.pooling[way])
			}
			row++
		}
	}
	if e.running != nil {
		e.running()
	}
	if err := e.session.run(room, b.rows, columns, b.alone, running{e.queue, b}); err != nil {
		return &ModelError{Model: e.name, Err: err}
	}
	if e.variant.Precision == Float16 && !finite(room.out) {
		return &ModelError{Model: e.name, Err: &PrecisionError{Float16, e.variant.Device, "its numbers are too large for it with this text"}}
	}
	row = 0
	for _, p := range b.parts {
		for _, i := range p.texts {
			switch width := e.session.width; {
			case e.session.scores:
				each(p, i, room.out[row*width:][:width])
			case e.session.ways > 0:
				wide := e.session.ways * width
				copy(room.pooled, room.out[row*wide:][:wide])
				each(p, i, e.finished(room))
			default:
				n := p.call.work.lengths[i]
				poolAll(room.pooled[:width*len(e.settings.pooling)], room.out[row*columns*width:][:n*width], e.settings.pooling, min(p.call.work.skip, n-1))
				each(p, i, e.finished(room))
			}
			row++
		}
	}
	return nil
}

// finite tells whether numbers are neither infinite nor none. What overflows somewhere in a model comes out so.
func finite(numbers []float32) bool {
	for _, x := range numbers {
		if x-x != 0 {
			return false
		}
	}
	return true
}

// finished makes a text's vector of what its tokens' have been pooled to, in room. It is valid until the next one.
func (e *Embedder) finished(room *buffers) []float32 {
	v, other := room.pooled[:e.session.width*len(e.settings.pooling)], room.other
	for i, s := range e.settings.steps {
		width := e.widths[i]
		if next := s.apply(other[:width], v); &next[0] == &other[0] {
			v, other = next, v[:cap(v)]
		} else {
			v = next
		}
	}
	return v
}

// nothing is the vector of a text that has no tokens: what the steps make of zeros, to which sentence-transformers' mean comes without any (Pooling divides by 1e-9 then).
func (e *Embedder) nothing() []float32 {
	var room buffers
	room.grow(0, 0, e.widest)
	return e.finished(&room)
}

// measure finds the width of the vector behind each step.
func (e *Embedder) measure() error {
	width := e.session.width * len(e.settings.pooling)
	e.widest = width
	for _, s := range e.settings.steps {
		var err error
		if width, err = s.width(width); err != nil {
			return fmt.Errorf("modules.json: %w", err)
		}
		e.widths = append(e.widths, width)
		e.widest = max(e.widest, width)
	}
	e.width = width
	return nil
}

// fill writes a text's ids and their types into a row of a batch, whose rows are so long.
func (e *Embedder) fill(room *buffers, row, longest int, text, kinds []int32) {
	ids, mask := room.ids[row*longest:][:longest], room.mask[row*longest:][:longest]
	for j, id := range text {
		ids[j], mask[j] = int64(id), 1
	}
	types := room.types[row*longest:][:longest]
	for j, kind := range kinds {
		types[j] = int64(kind)
	}
	for j := len(text); j < longest; j++ {
		ids[j], mask[j] = int64(e.tokenizer.PadID()), 0
	}
}
