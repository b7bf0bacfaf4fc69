package onnxhalf

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// tensor converts a TensorProto of float32; others stay as they are.
func tensor(out, in []byte) ([]byte, error) {
	kind := uint64(0)
	if err := fields(in, func(f field) error {
		switch f.number {
		case tensorType:
			if f.kind != protowire.VarintType {
				return errBroken
			}
			kind = f.value
		case tensorExternal:
			return refuse("it has weights in files of their own")
		case tensorLocation:
			if f.value != 0 {
				return refuse("it has weights in files of their own")
			}
		}
		return nil
	}); err != nil {
		return nil, err
	}
	if kind != typeFloat {
		return append(out, in...), nil
	}
	var halves []byte
	err := fields(in, func(f field) error {
		switch {
		case f.number == tensorType:
			out = protowire.AppendVarint(protowire.AppendTag(out, tensorType, protowire.VarintType), typeFloat16)
		case (f.number == tensorRaw || f.number == tensorFloats) && f.kind == protowire.BytesType: // float_data is packed, as a rule
			if len(f.content)%4 != 0 {
				return errBroken
			}
			if halves == nil {
				halves = make([]byte, 0, len(f.content)/2)
			}
			for b := f.content; len(b) > 0; b = b[4:] {
				halves = binary.LittleEndian.AppendUint16(halves, half(math.Float32frombits(binary.LittleEndian.Uint32(b))))
			}
		case f.number == tensorFloats && f.kind == protowire.Fixed32Type:
			halves = binary.LittleEndian.AppendUint16(halves, half(math.Float32frombits(binary.LittleEndian.Uint32(f.all[len(f.all)-4:]))))
		case f.number == tensorRaw || f.number == tensorFloats:
			return errBroken
		default:
			out = append(out, f.all...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(halves) == 2 {
		halves = single(halves, in)
	}
	return protowire.AppendBytes(protowire.AppendTag(out, tensorRaw, protowire.BytesType), halves), nil
}

// single keeps a number that stands alone from becoming 0: it is an epsilon, which has somebody not divide by 0.
func single(halves, in []byte) []byte {
	if h := binary.LittleEndian.Uint16(halves); h&0x7fff == 0 {
		was := uint32(0)
		_ = fields(in, func(f field) error { // they have been read before
			if f.number == tensorRaw && len(f.content) == 4 || f.number == tensorFloats {
				was = binary.LittleEndian.Uint32(f.all[len(f.all)-4:])
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
