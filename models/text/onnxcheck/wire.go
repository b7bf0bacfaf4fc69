package onnxcheck

import (
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// The wire types of protobuf that may occur.
const (
	varint  = 0
	fixed64 = 1
	chunk   = 2
	fixed32 = 5
)

// maxFields is how many fields a graph may have; one of 24 layers has 50,000.
const maxFields = 4 << 20

// maxName is the longest name, in bytes.
const maxName = 4096

var errCut = errors.New("it ends in the middle of something")

// file is what is read of, through a window that moves.
type file struct {
	from   io.ReaderAt
	size   int64
	window []byte
	at     int64 // of the window
	fields int
}

// windowSize is in bytes: the parts between large weights are short, and each move is a call of the system.
const windowSize = 64 << 10

// ahead is what lies from a place on, at least one byte and at most one window of them.
func (f *file) ahead(at int64) ([]byte, error) {
	if i := at - f.at; i >= 0 && i < int64(len(f.window)) {
		return f.window[i:], nil
	}
	if at >= f.size {
		return nil, errCut
	}
	n, err := f.from.ReadAt(f.window[:min(int64(cap(f.window)), f.size-at)], at)
	if n == 0 {
		if err == nil || err == io.EOF {
			err = errCut // it has become shorter
		}
		return nil, err
	}
	f.window, f.at = f.window[:n], at
	return f.window, nil
}

// span is a message's bytes, or a field's, by their places in the file.
type span struct{ start, end int64 }

func (s span) len() int64 { return s.end - s.start }

// field is one field of a message.
type field struct {
	number int
	kind   int
	value  uint64 // of a varint, fixed64 or fixed32
	span          // of a chunk
}

// message reads the fields of a message one after the other.
type message struct {
	f *file
	span
	seen uint64 // the single fields that were there, by their numbers
}

func (f *file) message(s span) *message { return &message{f: f, span: s} }

// number reads a varint.
func (m *message) number() (uint64, error) {
	var v uint64
	for shift := 0; shift < 70; shift += 7 {
		if m.start >= m.end {
			return 0, errCut
		}
		b, err := m.f.ahead(m.start)
		if err != nil {
			return 0, err
		}
		m.start++
		if shift == 63 && b[0] > 1 {
			break
		}
		v |= uint64(b[0]&0x7f) << shift
		if b[0] < 0x80 {
			return v, nil
		}
	}
	return 0, errors.New("it has a number of more than 64 bits")
}

// next gives the next field, and false behind the last one.
func (m *message) next() (field, bool, error) {
	if m.start == m.end {
		return field{}, false, nil
	}
	if m.f.fields++; m.f.fields > maxFields {
		return field{}, false, errors.New("it has too many parts")
	}
	key, err := m.number()
	if err != nil {
		return field{}, false, err
	}
	if key>>3 == 0 || key>>3 > 1<<29-1 {
		return field{}, false, errors.New("it is no protobuf")
	}
	f := field{number: int(key >> 3), kind: int(key & 7)}
	switch f.kind {
	case varint:
		f.value, err = m.number()
	case fixed64, fixed32:
		size := int64(8)
		if f.kind == fixed32 {
			size = 4
		}
		if m.end-m.start < size {
			return field{}, false, errCut
		}
		f.span = span{m.start, m.start + size}
		m.start += size
	case chunk:
		var n uint64
		if n, err = m.number(); err == nil && n > uint64(m.end-m.start) {
			err = errCut
		}
		f.span = span{m.start, m.start + int64(n)}
		m.start = f.end
	default: // groups, which are as old as they are rare
		err = errors.New("it is no protobuf")
	}
	return f, err == nil, err
}

// each calls do for every field.
func (m *message) each(do func(f field) error) error {
	for {
		f, more, err := m.next()
		if err != nil || !more {
			return err
		}
		if err := do(f); err != nil {
			return err
		}
	}
}

// once refuses a second field of this number: protobuf would merge the two, or take the last, and what was checked of each were not what counts.
func (m *message) once(f field) error {
	if f.number > 63 || m.seen&(1<<f.number) != 0 {
		return fmt.Errorf("field %d stands there twice", f.number)
	}
	m.seen |= 1 << f.number
	return nil
}

// want refuses a field of another wire type than it should have: protobuf takes it for one that it doesn't know.
func (f field) want(kind int) error {
	if f.kind != kind {
		return fmt.Errorf("field %d has the wire type %d", f.number, f.kind)
	}
	return nil
}

// text reads a name.
func (m *message) text(f field) (string, error) {
	if err := f.want(chunk); err != nil {
		return "", err
	}
	if f.len() > maxName {
		return "", fmt.Errorf("it has a name of %d bytes", f.len())
	}
	b, err := m.f.read(f.span)
	if err == nil && !utf8.Valid(b) {
		err = errors.New("it has a name that is not UTF-8")
	}
	for _, c := range b {
		if c < ' ' || c == 0x7f {
			return "", errors.New("it has a control character in a name")
		}
	}
	return string(b), err
}

// read copies bytes.
func (f *file) read(s span) ([]byte, error) {
	b := make([]byte, 0, s.len())
	for at := s.start; at < s.end; {
		more, err := f.ahead(at)
		if err != nil {
			return nil, err
		}
		more = more[:min(int64(len(more)), s.end-at)]
		b = append(b, more...)
		at += int64(len(more))
	}
	return b, nil
}

// varints counts the packed numbers in bytes.
func (f *file) varints(s span) (n int64, err error) {
	last := byte(0)
	for at := s.start; at < s.end; {
		b, err := f.ahead(at)
		if err != nil {
			return 0, err
		}
		b = b[:min(int64(len(b)), s.end-at)]
		for _, c := range b {
			n += int64(^c >> 7)
		}
		last = b[len(b)-1]
		at += int64(len(b))
	}
	if last >= 0x80 {
		return 0, errCut
	}
	return n, nil
}
