package gbdt

import (
	"encoding/binary"
	"fmt"
	"math"
)

// line is a leaf whose value depends on the row (LightGBM's linear_tree).
type line struct {
	constant float64
	features []int32
	slopes   []float64
}

// value is what the leaf adds for a row: the plain value where a feature is missing, and where there is no line.
func (l *line) value(row []float32, plain float32) float64 {
	if l == nil {
		return float64(plain)
	}
	total := l.constant
	for i, f := range l.features {
		v := row[f]
		if v != v {
			return float64(plain)
		}
		total += l.slopes[i] * float64(v)
	}
	return total
}

func (l *line) finite() bool {
	total := l.constant
	for _, s := range l.slopes {
		total += math.Abs(s)
	}
	return total-total == 0
}

// adjust multiplies what all leaves add by a factor, and adds to it.
func (t *tree) adjust(factor, more float64) {
	for i := range t.nodes {
		if n := &t.nodes[i]; n.feature == leaf {
			n.value = float32(float64(n.value)*factor + more)
		}
	}
	for _, l := range t.lines {
		if l == nil {
			continue
		}
		l.constant = l.constant*factor + more
		for i := range l.slopes {
			l.slopes[i] *= factor
		}
	}
}

// point is the line for other programs.
func (l *line) point() *Line {
	if l == nil {
		return nil
	}
	p := &Line{Constant: l.constant}
	for i, f := range l.features {
		p.Features, p.Slopes = append(p.Features, int(f)), append(p.Slopes, l.slopes[i])
	}
	return p
}

// setLine makes a node a linear leaf, whatever is in the line. nil leaves it.
func (t *tree) setLine(node int32, p *Line, features int) error {
	if p == nil {
		return nil
	}
	l := &line{constant: p.Constant}
	if len(p.Features) != len(p.Slopes) {
		return fmt.Errorf("%w: %d slopes of %d features", ErrCorrupt, len(p.Slopes), len(p.Features))
	}
	for i, f := range p.Features {
		if f < 0 || f >= features {
			return fmt.Errorf("%w: feature %d of %d", ErrCorrupt, f, features)
		}
		l.features, l.slopes = append(l.features, int32(f)), append(l.slopes, p.Slopes[i])
	}
	if !l.finite() {
		return fmt.Errorf("%w: a linear leaf that is not finite", ErrCorrupt)
	}
	t.lines = append(t.lines, make([]*line, len(t.nodes)-len(t.lines))...)
	t.lines[node] = l
	return nil
}

// appendLines adds the section of linear leaves.
func (m *Model) appendLines(out []byte) []byte {
	for i := range m.trees {
		t := &m.trees[i]
		preOrder(t.nodes, func(at int32) {
			if t.nodes[at].feature != leaf {
				return
			}
			if t.lines == nil || t.lines[at] == nil {
				out = append(out, 0)
				return
			}
			l := t.lines[at]
			out = binary.AppendUvarint(out, uint64(len(l.features))+1)
			out = binary.LittleEndian.AppendUint64(out, math.Float64bits(l.constant))
			for i, f := range l.features {
				out = binary.AppendUvarint(out, uint64(f))
				out = binary.LittleEndian.AppendUint64(out, math.Float64bits(l.slopes[i]))
			}
		})
	}
	return out
}

// lines reads those of a tree.
func (r *reader) lines(t *tree, features int) {
	// A leaf has a byte at least.
	if r.err != nil || len(r.data) < (len(t.nodes)+1)/2 {
		r.fail("it ends early")
		return
	}
	preOrder(t.nodes, func(at int32) {
		if t.nodes[at].feature != leaf || r.err != nil {
			return
		}
		// A feature has 9 bytes at least.
		n := r.count("features of a leaf", 0, uint64(len(r.data))/9+1)
		if n == 0 {
			return
		}
		p := &Line{Constant: r.double()}
		for range n - 1 {
			p.Features = append(p.Features, r.count("as a feature", 0, uint64(features)-1))
			p.Slopes = append(p.Slopes, r.double())
		}
		if r.err == nil {
			r.err = t.setLine(at, p, features)
		}
	})
}

func (r *reader) double() float64 {
	if len(r.data) < 8 {
		r.fail("it ends early")
		return 0
	}
	v := math.Float64frombits(binary.LittleEndian.Uint64(r.data))
	r.data = r.data[8:]
	return v
}
