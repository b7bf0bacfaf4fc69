package exec

import (
	"encoding/binary"
	"math"
	"strconv"

	"github.com/pgowl/pgowl/exec/function"
)

// Type OIDs that arguments and results have (catalog pg_type).
const (
	oidBool, oidName, oidInt8, oidInt2, oidInt4, oidText, oidFloat4, oidFloat8 = 16, 19, 20, 21, 23, 25, 700, 701
	oidBpchar, oidVarchar, oidJSONB                                            = 1042, 1043, 3802
	oidBoolArray, oidInt2Array, oidInt4Array, oidInt8Array                     = 1000, 1005, 1007, 1016
	oidFloat4Array, oidFloat8Array, oidNumericArray                            = 1021, 1022, 1231
)

// Field is the type and the wire format (0 text, 1 binary) of a value.
type Field struct {
	OID    uint32
	Format int16
}

// Param is a parameter of a Bind message. Value is nil for NULL; OID is 0 where the client left the type to the server.
type Param struct {
	Field
	Value []byte
}

var typeOIDs = map[string]uint32{
	"text": oidText, "unknown": oidText, "jsonb": oidJSONB, "real[]": oidFloat4Array, "double precision[]": oidFloat8Array,
	"smallint[]": oidInt2Array, "integer[]": oidInt4Array, "bigint[]": oidInt8Array, "numeric[]": oidNumericArray,
	"integer": oidInt4, "bigint": oidInt8, "smallint": oidInt2,
}

func isText(oid uint32) bool {
	return oid == oidText || oid == oidVarchar || oid == oidBpchar || oid == oidName
}

func isFeatures(oid uint32) bool {
	switch oid {
	case oidBoolArray, oidInt2Array, oidInt4Array, oidInt8Array, oidFloat4Array, oidFloat8Array:
		return true
	}
	return false
}

// textOf reads a text or jsonb.
func textOf(f Field, v []byte) (string, error) {
	if f.OID == oidJSONB && f.Format == 1 {
		if len(v) == 0 || v[0] != 1 {
			return "", errMalformed("jsonb")
		}
		v = v[1:]
	}
	return string(v), nil
}

// intOf reads an integer.
func intOf(f Field, v []byte) (int64, error) {
	if f.Format == 0 {
		n, err := strconv.ParseInt(string(v), 10, 64)
		if err != nil {
			return 0, errMalformed("bigint")
		}
		return n, nil
	}
	switch {
	case f.OID == oidInt8 && len(v) == 8:
		return int64(binary.BigEndian.Uint64(v)), nil
	case f.OID == oidInt4 && len(v) == 4:
		return int64(int32(binary.BigEndian.Uint32(v))), nil
	case f.OID == oidInt2 && len(v) == 2:
		return int64(int16(binary.BigEndian.Uint16(v))), nil
	}
	return 0, errMalformed("integer")
}

func errMalformed(what string) error {
	return function.Errorf("22P03", "malformed value of type %s", what)
}

var errNullFeature = function.Errorf("22004", "features may not hold NULL")

// featuresOf appends the numbers of an array, row by row, to dst.
func featuresOf(dst []float32, f Field, v []byte) ([]float32, error) {
	if f.Format == 0 {
		return textFeatures(dst, v, f.OID == oidBoolArray)
	}
	if len(v) < 12 {
		return dst, errMalformed("array")
	}
	dims := int(int32(binary.BigEndian.Uint32(v)))
	oid := binary.BigEndian.Uint32(v[8:])
	if dims < 0 || dims > 6 || len(v) < 12+8*dims {
		return dst, errMalformed("array")
	}
	count := 1
	if dims == 0 {
		count = 0
	}
	for i := range dims {
		n := int(int32(binary.BigEndian.Uint32(v[12+8*i:])))
		if n < 0 || n > len(v) {
			return dst, errMalformed("array")
		}
		count *= n
		if count > len(v) {
			return dst, errMalformed("array")
		}
	}
	v = v[12+8*dims:]
	size := sizeOf(oid)
	if size == 0 {
		return dst, errMalformed("array")
	}
	for range count {
		if len(v) >= 4 && binary.BigEndian.Uint32(v) == 0xFFFFFFFF {
			return dst, errNullFeature
		}
		if len(v) < 4+size || int(binary.BigEndian.Uint32(v)) != size {
			return dst, errMalformed("array")
		}
		dst = append(dst, number(oid, v[4:]))
		v = v[4+size:]
	}
	if len(v) > 0 {
		return dst, errMalformed("array")
	}
	return dst, nil
}

// sizeOf is the length of a number's binary form, 0 for a type that is no number.
func sizeOf(oid uint32) int {
	switch oid {
	case oidBool:
		return 1
	case oidInt2:
		return 2
	case oidInt4, oidFloat4:
		return 4
	case oidInt8, oidFloat8:
		return 8
	}
	return 0
}

// number narrows a binary value to float4, as PostgresML does.
func number(oid uint32, v []byte) float32 {
	switch oid {
	case oidBool:
		return float32(v[0])
	case oidInt2:
		return float32(int16(binary.BigEndian.Uint16(v)))
	case oidInt4:
		return float32(int32(binary.BigEndian.Uint32(v)))
	case oidInt8:
		return float32(int64(binary.BigEndian.Uint64(v)))
	case oidFloat4:
		return math.Float32frombits(binary.BigEndian.Uint32(v))
	}
	return float32(math.Float64frombits(binary.BigEndian.Uint64(v)))
}

// textFeatures reads an array's text form, such as {1,2.5} or {{1,2},{3,4}}.
func textFeatures(dst []float32, v []byte, boolean bool) ([]float32, error) {
	if len(v) < 2 || v[0] != '{' || v[len(v)-1] != '}' {
		return dst, errMalformed("array") // also an array with lower bounds, [0:1]={1,2}
	}
	for i := 0; i < len(v); {
		switch v[i] {
		case '{', '}', ',', ' ', '"':
			i++
			continue
		}
		start := i
		for i < len(v) && v[i] != ',' && v[i] != '}' && v[i] != '"' && v[i] != ' ' {
			i++
		}
		word := string(v[start:i])
		switch {
		case word == "NULL":
			return dst, errNullFeature
		case boolean && word == "t":
			dst = append(dst, 1)
		case boolean && word == "f":
			dst = append(dst, 0)
		default:
			n, err := strconv.ParseFloat(word, 64)
			if err != nil && !math.IsInf(n, 0) {
				return dst, errMalformed("array")
			}
			dst = append(dst, float32(n))
		}
	}
	return dst, nil
}

// appendReal appends a real in text form, as Postgres writes it.
func appendReal(b []byte, v float32) []byte {
	switch {
	case math.IsNaN(float64(v)):
		return append(b, "NaN"...)
	case math.IsInf(float64(v), 1):
		return append(b, "Infinity"...)
	case math.IsInf(float64(v), -1):
		return append(b, "-Infinity"...)
	}
	// float4out: shortest digits that read back the same, exponent form below 1e-4 and from 1e6 on.
	format := byte('f')
	if a := float32(math.Abs(float64(v))); a != 0 && (a < 1e-4 || a >= 1e6) {
		format = 'e'
	}
	return strconv.AppendFloat(b, float64(v), format, -1, 32)
}

// appendReals appends a real[] in text form.
func appendReals(b []byte, v []float32) []byte {
	b = append(b, '{')
	for i, x := range v {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendReal(b, x)
	}
	return append(b, '}')
}

// encodeReal appends a real in a wire format.
func encodeReal(b []byte, format int16, v float32) []byte {
	if format == 1 {
		return binary.BigEndian.AppendUint32(b, math.Float32bits(v))
	}
	return appendReal(b, v)
}

// encodeReals appends a real[] in a wire format.
func encodeReals(b []byte, format int16, v []float32) []byte {
	if format == 0 {
		return appendReals(b, v)
	}
	dimensions := uint32(min(len(v), 1))
	for _, n := range [3]uint32{dimensions, 0, oidFloat4} {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	if dimensions == 0 {
		return b
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(v)))
	b = binary.BigEndian.AppendUint32(b, 1)
	for _, x := range v {
		b = binary.BigEndian.AppendUint64(b, 4<<32|uint64(math.Float32bits(x))) // its length, and itself
	}
	return b
}
