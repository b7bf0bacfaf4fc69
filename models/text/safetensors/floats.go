package safetensors

import (
	"encoding/binary"
	"fmt"
	"math"
)

// chunk is how many numbers are read at a time.
const chunk = 64 << 10

// Read fills dst with the tensor's numbers from the one at index at on. It reads F32, and F16 and BF16, which a float32 holds exactly; another type is an
// error that names it, as is a range that leaves the tensor.
func (t *Tensor) Read(dst []float32, at int) error {
	if !t.Floats() {
		return fmt.Errorf("numbers of type %.20q are not supported: want F32, F16 or BF16", t.Type)
	}
	if at < 0 || at > t.count || len(dst) > t.count-at {
		return fmt.Errorf("%d numbers from %d on are asked for, there are %d", len(dst), at, t.count)
	}
	width := int(widths[t.Type])
	buffer := make([]byte, width*min(chunk, len(dst)))
	for len(dst) > 0 {
		n := min(chunk, len(dst))
		bytes := buffer[:n*width]
		if err := readAt(t.from, bytes, t.offset+int64(at)*int64(width)); err != nil {
			return err
		}
		convert(dst[:n], bytes, t.Type)
		dst, at = dst[n:], at+n
	}
	return nil
}

// convert reads numbers of a type, which are little-endian.
func convert(dst []float32, bytes []byte, kind string) {
	switch kind {
	case "F32":
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(bytes[4*i:]))
		}
	case "BF16":
		for i := range dst {
			dst[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(bytes[2*i:])) << 16)
		}
	case "F16":
		for i := range dst {
			dst[i] = Half(binary.LittleEndian.Uint16(bytes[2*i:]))
		}
	}
}

// Half is an IEEE half as a float32.
func Half(h uint16) float32 {
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
