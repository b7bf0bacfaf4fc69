package onnxcheck

import (
	"errors"
	"fmt"
)

// scope is a graph under way, inside another one.
type scope struct {
	outer  *scope
	depth  int
	shapes map[string][]int64 // tensors that are constants, by name
	makes  []maker
}

// graph checks a GraphProto.
func (c *checker) graph(s span, outer *scope) error {
	in := &scope{outer: outer, depth: 1, shapes: map[string][]int64{}}
	if outer != nil {
		in.depth = outer.depth + 1
	}
	if in.depth > maxDepth {
		return fmt.Errorf("it has graphs in graphs, more than %d deep", maxDepth)
	}
	m := c.message(s)
	err := m.each(func(f field) error {
		switch f.number {
		case 1, 2, 5, 11, 12, 13, 14:
			if err := f.want(chunk); err != nil {
				return err
			}
		}
		switch f.number {
		case 1:
			return c.node(f.span, in)
		case 2:
			_, err := m.text(f)
			return errors.Join(err, m.once(f))
		case 5:
			t, err := c.tensor(f.span, outer == nil)
			if err == nil && t.shape != nil {
				in.shapes[t.name] = t.shape
			}
			return err
		case 11, 12, 13:
			return c.valueInfo(f.span)
		case 15:
			return &UnsupportedError{What: "a sparse tensor"}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.room(in)
}

// valueInfo checks a ValueInfoProto: that it is a tensor's.
func (c *checker) valueInfo(s span) error {
	m := c.message(s)
	return m.each(func(f field) (err error) {
		switch f.number {
		case 1:
			_, err = m.text(f)
			return errors.Join(err, m.once(f))
		case 2:
			if err := errors.Join(f.want(chunk), m.once(f)); err != nil {
				return err
			}
			return c.typeOf(f.span)
		}
		return nil
	})
}

// typeOf checks a TypeProto.
func (c *checker) typeOf(s span) error {
	m := c.message(s)
	return m.each(func(f field) error {
		switch f.number {
		case 1:
			if err := errors.Join(f.want(chunk), m.once(f)); err != nil {
				return err
			}
			return c.tensorType(f.span)
		case 4, 5, 7, 8, 9:
			return &UnsupportedError{What: "a value that is no tensor"}
		}
		return nil
	})
}

// tensorType checks a TypeProto.Tensor.
func (c *checker) tensorType(s span) error {
	m := c.message(s)
	return m.each(func(f field) error {
		switch f.number {
		case 1:
			if _, known := kinds[f.value]; !known && f.value != 0 {
				return &UnsupportedError{What: fmt.Sprintf("a tensor of type %d", f.value)}
			}
			return errors.Join(f.want(varint), m.once(f))
		case 2:
			if err := errors.Join(f.want(chunk), m.once(f)); err != nil {
				return err
			}
			rank := 0
			return c.message(f.span).each(func(f field) error {
				if f.number != 1 {
					return nil
				}
				if rank++; rank > maxRank {
					return fmt.Errorf("it has a tensor of more than %d dimensions", maxRank)
				}
				if err := f.want(chunk); err != nil {
					return err
				}
				return c.dimension(f.span)
			})
		}
		return nil
	})
}

// dimension checks a TensorShapeProto.Dimension: some exporters write -1 for what is not known.
func (c *checker) dimension(s span) error {
	m := c.message(s)
	return m.each(func(f field) (err error) {
		switch f.number {
		case 1:
			if n := int64(f.value); n < -1 || n > maxWeights {
				return fmt.Errorf("it has a dimension of %d", n)
			}
			return errors.Join(f.want(varint), m.once(f))
		case 2:
			_, err = m.text(f)
			return errors.Join(err, m.once(f))
		}
		return nil
	})
}
