package onnxcheck

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"
)

// kinds are the element types by their numbers in onnx.proto (TensorProto.DataType): bits of an element, and the fields that may hold it beside raw_data. Texts, complex numbers and types that are not
// there are refused.
var kinds = map[uint64]struct {
	bits  uint64
	field int
}{
	1: {32, floatData}, 2: {8, int32Data}, 3: {8, int32Data}, 4: {16, int32Data}, 5: {16, int32Data}, 6: {32, int32Data}, 7: {64, int64Data}, 9: {8, int32Data}, 10: {16, int32Data},
	11: {64, doubleData}, 12: {32, uint64Data}, 13: {64, uint64Data}, 16: {16, int32Data}, 17: {8, int32Data}, 18: {8, int32Data}, 19: {8, int32Data}, 20: {8, int32Data},
	21: {4, 0}, 22: {4, 0}, 23: {4, 0}, 24: {8, 0}, 25: {2, 0}, 26: {2, 0},
}

// Fields of TensorProto.
const (
	floatData  = 4
	int32Data  = 5
	int64Data  = 7
	rawData    = 9
	doubleData = 10
	uint64Data = 11
)

// maxRank is how many dimensions a tensor may have.
const maxRank = 16

// maxShape is how many numbers of a tensor are remembered as a shape that another operator may take.
const maxShape = maxRank

// tensor is what is known of a TensorProto.
type tensor struct {
	name  string
	shape []int64 // the numbers in it, if it is a short one of int64
}

// tensor checks a TensorProto: that its numbers are as many as its shape says, and where they are.
func (c *checker) tensor(s span, inGraph bool) (t tensor, err error) {
	var dims []int64
	var kind uint64
	var entries []entry
	data := span{-1, -1}
	where, count := 0, int64(0) // which field holds the numbers, and how many they are
	outside := false
	m := c.message(s)
	hold := func(f field, n int64) error {
		if where != 0 && where != f.number {
			return errors.New("a tensor has its numbers twice")
		}
		where, count = f.number, count+n
		return nil
	}
	err = m.each(func(f field) (err error) {
		switch f.number {
		case 1:
			dims, err = c.numbers(f, dims, maxRank)
			return err
		case 2:
			kind = f.value
			return errors.Join(f.want(varint), m.once(f))
		case floatData, doubleData:
			size := int64(4)
			if f.number == doubleData {
				size = 8
			}
			if f.kind != chunk && f.kind != map[int64]int{4: fixed32, 8: fixed64}[size] || f.len()%size != 0 {
				return errors.New("a tensor's numbers are cut")
			}
			return hold(f, f.len()/size)
		case int32Data, int64Data, uint64Data:
			n := int64(1)
			if f.kind == chunk {
				if n, err = c.varints(f.span); err != nil {
					return err
				}
				data = f.span
			} else if err := f.want(varint); err != nil {
				return err
			}
			return hold(f, n)
		case rawData:
			if err := errors.Join(f.want(chunk), m.once(f)); err != nil {
				return err
			}
			data = f.span
			return hold(f, f.len())
		case 8:
			if err := m.once(f); err != nil {
				return err
			}
			t.name, err = m.text(f)
			return err
		case 13:
			if err := f.want(chunk); err != nil {
				return err
			}
			e, err := c.entry(f.span)
			entries = append(entries, e)
			if len(entries) > 16 {
				return errors.New("a tensor has too many notes about its file")
			}
			return err
		case 14:
			if f.value > 1 {
				return fmt.Errorf("a tensor's data location is %d", f.value)
			}
			outside = f.value == 1
			return errors.Join(f.want(varint), m.once(f))
		case 3, 6:
			return &UnsupportedError{What: "a tensor of texts or in segments"}
		}
		return nil
	})
	if err != nil {
		return t, err
	}
	if len(dims) > 1 && slices.Contains(dims, 0) {
		// Operators of com.microsoft divide by the widths of weights without looking.
		return t, fmt.Errorf("tensor %.80q: its shape is %v", t.name, dims)
	}
	size, elements, err := sizeOf(kind, dims)
	if err != nil {
		return t, fmt.Errorf("tensor %.80q: %w", t.name, err)
	}
	switch {
	case outside && (!inGraph || where != 0):
		return t, fmt.Errorf("tensor %.80q: its numbers cannot be in another file", t.name)
	case outside:
		if err := c.external(entries, size); err != nil {
			return t, fmt.Errorf("tensor %.80q: %w", t.name, err)
		}
	case where == rawData && uint64(count) != size, where == 0 && elements != 0,
		where != 0 && where != rawData && (where != kinds[kind].field || uint64(count) != elements):
		return t, fmt.Errorf("tensor %.80q: its numbers are not as many as its shape %v says", t.name, dims)
	}
	c.weights += int64(size)
	if kind == 7 && len(dims) <= 1 && elements <= maxShape && data.start >= 0 {
		if t.shape, err = c.longs(data, where == rawData); uint64(len(t.shape)) != elements { // it stands there in pieces
			t.shape = nil
		}
	}
	return t, err
}

// sizeOf is how many bytes and numbers a tensor has.
func sizeOf(kind uint64, dims []int64) (size, elements uint64, err error) {
	k, known := kinds[kind]
	if !known {
		return 0, 0, &UnsupportedError{What: fmt.Sprintf("a tensor of type %d", kind)}
	}
	elements = 1
	for _, d := range dims {
		over, n := bits.Mul64(elements, uint64(max(d, 0)))
		if d < 0 || over != 0 || n > maxWeights {
			return 0, 0, fmt.Errorf("its shape is %v", dims)
		}
		elements = n
	}
	return (elements*k.bits + 7) / 8, elements, nil
}

// numbers reads a field of repeated int64, packed or not.
func (c *checker) numbers(f field, to []int64, limit int) ([]int64, error) {
	if f.kind == varint {
		to = append(to, int64(f.value))
	} else {
		if err := f.want(chunk); err != nil {
			return nil, err
		}
		for m := c.message(f.span); m.start < m.end && len(to) <= limit; {
			v, err := m.number()
			if err != nil {
				return nil, err
			}
			to = append(to, int64(v))
		}
	}
	if len(to) > limit {
		return nil, fmt.Errorf("field %d has more than %d numbers", f.number, limit)
	}
	return to, nil
}

// longs reads the numbers of a short tensor.
func (c *checker) longs(s span, raw bool) ([]int64, error) {
	if !raw {
		return c.numbers(field{kind: chunk, span: s}, []int64{}, maxShape)
	}
	b, err := c.read(s)
	if err != nil {
		return nil, err
	}
	numbers := []int64{}
	for part := range slices.Chunk(b, 8) {
		numbers = append(numbers, int64(binary.LittleEndian.Uint64(part)))
	}
	return numbers, nil
}
