// Package safetensors reads files of named arrays of numbers: eight bytes with the size of a header, the header as JSON (for each name a type, a
// shape and where its numbers lie), and the numbers. The files come from outside: everything that a header says is checked before it is used, and
// nothing but the header is read before it is asked for. The format: https://github.com/huggingface/safetensors#format.
package safetensors

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

// maxHeader is the size of the largest header that is read; a model of 1,000 tensors has one of 100 kB.
const maxHeader = 16 << 20

// widths are the sizes of a number in bytes, by type. Tensors of other types (with numbers of less than a byte) are known by name alone.
var widths = map[string]int64{"BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2, "I32": 4, "U32": 4, "F32": 4,
	"I64": 8, "U64": 8, "F64": 8}

// Tensor is an array of a file, whose numbers are read when they are asked for. It is safe for use by several goroutines if its reader is.
type Tensor struct {
	Type  string // as in the file: F32, F16, BF16, I64 ...
	Shape []int  // empty: a single number

	from   io.ReaderAt
	offset int64 // in from
	count  int   // of numbers; -1 for a type whose width is not known
}

// Count is how many numbers the tensor has.
func (t *Tensor) Count() int { return max(0, t.count) }

// Floats tells whether the tensor's numbers can be read as float32.
func (t *Tensor) Floats() bool { return t.Type == "F32" || t.Type == "F16" || t.Type == "BF16" }

// Parse reads the header of a file of so many bytes. The tensors lie inside the file, have as many bytes as their shapes need, and share none.
func Parse(from io.ReaderAt, size int64) (map[string]*Tensor, error) {
	var length [8]byte
	if size < 8 {
		return nil, errors.New("no safetensors file")
	}
	if err := readAt(from, length[:], 0); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n > uint64(size-8) || n > maxHeader {
		return nil, fmt.Errorf("a header of %d bytes", n)
	}
	text := make([]byte, n)
	if err := readAt(from, text, 8); err != nil {
		return nil, err
	}
	var header map[string]json.RawMessage
	if err := json.Unmarshal(text, &header); err != nil {
		return nil, fmt.Errorf("the header: %w", err)
	}
	delete(header, "__metadata__")
	start, room := 8+int64(n), size-8-int64(n)
	tensors := make(map[string]*Tensor, len(header))
	var spans []span
	for name, raw := range header {
		t, s, err := parseTensor(raw, room)
		if err != nil {
			return nil, fmt.Errorf("tensor %.120q %w", name, err)
		}
		t.from, t.offset = from, start+s.from
		tensors[name] = t
		spans = append(spans, s)
	}
	slices.SortFunc(spans, func(a, b span) int {
		if a.from != b.from {
			return compare(a.from, b.from)
		}
		return compare(a.to, b.to)
	})
	for i := 1; i < len(spans); i++ {
		if spans[i].from < spans[i-1].to {
			return nil, errors.New("tensors overlap")
		}
	}
	return tensors, nil
}

// span is where a tensor's bytes lie behind the header.
type span struct{ from, to int64 }

func compare(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// parseTensor reads a tensor's entry; room is how many bytes the tensors have together.
func parseTensor(raw json.RawMessage, room int64) (*Tensor, span, error) {
	var h struct {
		Type    string   `json:"dtype"`
		Shape   []int    `json:"shape"`
		Offsets [2]int64 `json:"data_offsets"`
	}
	if err := json.Unmarshal(raw, &h); err != nil {
		return nil, span{}, fmt.Errorf("is not described: %w", err)
	}
	s := span{h.Offsets[0], h.Offsets[1]}
	if s.from < 0 || s.from > s.to || s.to > room {
		return nil, s, errors.New("lies outside the file")
	}
	t := &Tensor{Type: h.Type, Shape: h.Shape, count: -1}
	width, known := widths[h.Type]
	if !known {
		return t, s, nil
	}
	bytes := width
	for _, d := range h.Shape {
		if d < 0 || int64(d) > room || bytes > room || d > 0 && bytes > math.MaxInt64/int64(d) { // a file of more than 3 GB has room for factors whose product overflows
			return nil, s, fmt.Errorf("has the shape %v", shorten(h.Shape))
		}
		bytes *= int64(d)
	}
	if bytes != s.to-s.from {
		return nil, s, fmt.Errorf("has %d bytes for the shape %v", s.to-s.from, shorten(h.Shape))
	}
	t.count = int(bytes / width)
	return t, s, nil
}

// shorten is a shape for a message.
func shorten(shape []int) []int { return shape[:min(len(shape), 8)] }

// readAt fills p. A file that has become shorter is an error, not an end.
func readAt(from io.ReaderAt, p []byte, at int64) error {
	n, err := from.ReadAt(p, at)
	if n == len(p) {
		return nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}
