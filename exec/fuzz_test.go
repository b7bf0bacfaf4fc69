package exec

import (
	"math"
	"testing"
)

// FuzzScalars reads values of every type that arguments have, in both formats.
func FuzzScalars(f *testing.F) {
	f.Add([]byte("42"), int16(0), uint32(oidInt8))
	f.Add([]byte{0, 0, 0, 42}, int16(1), uint32(oidInt4))
	f.Add([]byte("\x01{\"a\":1}"), int16(1), uint32(oidJSONB))
	f.Fuzz(func(t *testing.T, v []byte, format int16, oid uint32) {
		field := Field{OID: oid, Format: format & 1}
		if s, err := textOf(field, v); err == nil && len(s) > len(v) {
			t.Errorf("%d bytes out of %d", len(s), len(v))
		}
		n, err := intOf(field, v)
		if err == nil && field.Format == 1 && len(v) != 2 && len(v) != 4 && len(v) != 8 {
			t.Errorf("%d bytes became %d", len(v), n)
		}
	})
}

// FuzzReals writes numbers in both formats and reads them back.
func FuzzReals(f *testing.F) {
	f.Add(uint32(0), uint32(0x7fc00000), uint32(0x3f800000))
	f.Fuzz(func(t *testing.T, a, b, c uint32) {
		want := []float32{math.Float32frombits(a), math.Float32frombits(b), math.Float32frombits(c)}
		for _, format := range []int16{0, 1} {
			got, err := featuresOf(nil, Field{OID: oidFloat4Array, Format: format}, encodeReals(nil, format, want))
			if err != nil || !same(got, want) {
				t.Errorf("format %d: %v became %v, %v", format, want, got, err)
			}
		}
	})
}
