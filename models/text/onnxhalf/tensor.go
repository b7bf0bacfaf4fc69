package onnxhalf

import (
	"cmp"
	"encoding/binary"
	"io"
	"math"
	"slices"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// tensor converts a TensorProto of float32; others stay as they are.
func (c *converter) tensor(out, in []byte) ([]byte, error) {
	kind, outside := uint64(0), false
	if err := fields(in, func(f field) error {
		switch f.number {
		case tensorType:
			if f.kind != protowire.VarintType {
				return errBroken
			}
			kind = f.value
		case tensorLocation:
			outside = f.value != 0
		}
		return nil
	}); err != nil {
		return nil, err
	}
	if kind != typeFloat {
		return append(out, in...), nil
	}
	var halves []byte
	if outside {
		content, err := c.external(in)
		if err != nil {
			return nil, err
		}
		if halves, err = round(nil, content); err != nil {
			return nil, err
		}
	}
	err := fields(in, func(f field) error {
		switch {
		case f.number == tensorType:
			out = protowire.AppendVarint(protowire.AppendTag(out, tensorType, protowire.VarintType), typeFloat16)
		case (f.number == tensorRaw || f.number == tensorFloats) && f.kind == protowire.BytesType: // float_data is packed, as a rule
			var err error
			halves, err = round(halves, f.content)
			return err
		case f.number == tensorFloats && f.kind == protowire.Fixed32Type:
			var err error
			halves, err = round(halves, f.all[len(f.all)-4:])
			return err
		case f.number == tensorRaw || f.number == tensorFloats:
			return errBroken
		case f.number == tensorExternal || f.number == tensorLocation:
		default:
			out = append(out, f.all...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(halves) == 2 && !outside {
		halves = single(halves, in)
	}
	return protowire.AppendBytes(protowire.AppendTag(out, tensorRaw, protowire.BytesType), halves), nil
}

// round appends numbers of float32 as float16.
func round(halves, floats []byte) ([]byte, error) {
	if len(floats)%4 != 0 {
		return nil, errBroken
	}
	halves = slices.Grow(halves, len(floats)/2)
	for ; len(floats) > 0; floats = floats[4:] {
		halves = binary.LittleEndian.AppendUint16(halves, half(math.Float32frombits(binary.LittleEndian.Uint32(floats))))
	}
	return halves, nil
}

// external reads the numbers of a tensor that are in another file.
func (c *converter) external(in []byte) ([]byte, error) {
	place := map[string]string{}
	if err := fields(in, func(f field) error {
		if f.number != tensorExternal {
			return nil
		}
		key, value := "", ""
		err := fields(f.content, func(f field) error {
			switch f.number {
			case entryKey:
				key = string(f.content)
			case entryValue:
				value = string(f.content)
			}
			return nil
		})
		place[key] = value
		return err
	}); err != nil {
		return nil, err
	}
	offset, err := strconv.ParseInt(cmp.Or(place["offset"], "0"), 10, 64)
	length, errLength := strconv.ParseInt(place["length"], 10, 64)
	switch {
	case err != nil || errLength != nil || offset < 0 || length < 0:
		return nil, refuse("it does not say how long its weights in other files are")
	case c.weights == nil:
		return nil, refuse("it has weights in files of their own")
	case length > 2*maxGraph-c.outside:
		return nil, refuse("it has more than %d MB of weights", 2*maxGraph>>20)
	}
	c.outside += length
	from, err := c.weights(place["location"])
	if err != nil {
		return nil, err
	}
	// In pieces: the file may be shorter than it says.
	content := make([]byte, 0, min(length, 64<<10))
	for int64(len(content)) < length {
		n := min(length-int64(len(content)), max(int64(len(content)), 64<<10))
		content = slices.Grow(content, int(n))
		at := len(content)
		content = content[:at+int(n)]
		if got, err := from.ReadAt(content[at:], offset+int64(at)); got < int(n) {
			if err == nil || err == io.EOF {
				err = errBroken
			}
			return nil, err
		}
	}
	return content, nil
}

// single keeps a number that stands alone from becoming 0: it is an epsilon, which has somebody not divide by 0.
func single(halves, in []byte) []byte {
	if h := binary.LittleEndian.Uint16(halves); h&0x7fff == 0 {
		was := uint32(0)
		_ = fields(in, func(f field) error { // they have been read before
			number := f.content
			if f.number == tensorFloats && f.kind == protowire.Fixed32Type {
				number = f.all[len(f.all)-4:]
			}
			if (f.number == tensorRaw || f.number == tensorFloats) && len(number) == 4 { // a packed field may be empty
				was = binary.LittleEndian.Uint32(number)
			}
			return nil
		})
		if was&0x7fffffff != 0 {
			return binary.LittleEndian.AppendUint16(nil, h|1)
		}
	}
	return halves
}

// half rounds to the nearest float16, of two to the even one. What is too large becomes the largest, as in a mask of attention; infinity and NaN stay.
func half(x float32) uint16 {
	bits := math.Float32bits(x)
	sign := uint16(bits>>16) & 0x8000
	bits &= 0x7fffffff
	switch {
	case bits > 0x7f800000:
		return sign | 0x7e00
	case bits == 0x7f800000:
		return sign | 0x7c00
	case bits >= 0x477fe000: // 65504
		return sign | 0x7bff
	case bits < 0x33000000: // less than half the smallest
		return sign
	case bits < 0x38800000: // subnormal: in steps of 2^-24
		return sign | uint16(math.RoundToEven(float64(math.Float32frombits(bits))*(1<<24)))
	}
	bits += 0xfff + bits>>13&1 // rounds what is cut off, into the exponent if need be
	return sign | uint16((bits-(112<<23))>>13)
}
