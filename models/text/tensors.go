package text

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
)

// tensor is numbers of a safetensors file.
type tensor struct {
	shape  []int
	values []float32
}

// maxTensors is the size of the largest safetensors file of a step behind the transformer.
const maxTensors = 256 << 20

// readTensors reads a safetensors file: the size of a header as eight bytes, the header as JSON, and the numbers. Those of F32, F16 and BF16 are
// read; the others are left out.
func readTensors(dir, name string) (map[string]tensor, error) {
	data, err := readUpTo(dir, name, maxTensors)
	if err != nil {
		return nil, err
	}
	tensors, err := parseTensors(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return tensors, nil
}

func parseTensors(data []byte) (map[string]tensor, error) {
	if len(data) < 8 {
		return nil, errors.New("no safetensors file")
	}
	size := binary.LittleEndian.Uint64(data)
	if size > uint64(len(data)-8) || size > 1<<20 {
		return nil, fmt.Errorf("a header of %d bytes", size)
	}
	var header map[string]json.RawMessage
	if err := json.Unmarshal(data[8:8+size], &header); err != nil {
		return nil, fmt.Errorf("the header: %w", err)
	}
	data = data[8+size:]
	tensors := map[string]tensor{}
	total := 0
	for name, raw := range header {
		if name == "__metadata__" {
			continue
		}
		var h struct {
			Type    string    `json:"dtype"`
			Shape   []int     `json:"shape"`
			Offsets [2]uint64 `json:"data_offsets"`
		}
		if err := json.Unmarshal(raw, &h); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		width := map[string]uint64{"F32": 4, "F16": 2, "BF16": 2}[h.Type]
		if width == 0 {
			continue
		}
		if h.Offsets[0] > h.Offsets[1] || h.Offsets[1] > uint64(len(data)) {
			return nil, fmt.Errorf("tensor %q lies outside the file", name)
		}
		bytes := data[h.Offsets[0]:h.Offsets[1]]
		n := uint64(1)
		for _, d := range h.Shape {
			if d <= 0 || uint64(d) > uint64(len(data)) || n > uint64(len(data)) {
				return nil, fmt.Errorf("tensor %q has the shape %v", name, h.Shape)
			}
			n *= uint64(d)
		}
		if n != uint64(len(bytes))/width || uint64(len(bytes))%width != 0 {
			return nil, fmt.Errorf("tensor %q has %d bytes for the shape %v", name, len(bytes), h.Shape)
		}
		if total += len(bytes); total > len(data) { // the same bytes under many names
			return nil, errors.New("tensors overlap")
		}
		t := tensor{shape: h.Shape, values: make([]float32, n)}
		for i := range t.values {
			switch h.Type {
			case "F32":
				t.values[i] = math.Float32frombits(binary.LittleEndian.Uint32(bytes[4*i:]))
			case "BF16":
				t.values[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(bytes[2*i:])) << 16)
			case "F16":
				t.values[i] = halfFloat(binary.LittleEndian.Uint16(bytes[2*i:]))
			}
		}
		tensors[name] = t
	}
	return tensors, nil
}

// halfFloat is an IEEE half as a float32.
func halfFloat(h uint16) float32 {
	sign, exponent, fraction := uint32(h>>15)<<31, uint32(h>>10)&0x1f, uint32(h)&0x3ff
	switch exponent {
	case 0:
		f := float32(fraction) / (1 << 24)
		return math.Float32frombits(math.Float32bits(f) | sign)
	case 0x1f:
		return math.Float32frombits(sign | 0xff<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}
