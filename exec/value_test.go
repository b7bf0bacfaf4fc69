package exec

import (
	"encoding/binary"
	"math"
	"testing"
)

func TestFeaturesOf(t *testing.T) {
	for text, want := range map[string][]float32{
		"{}": nil, "{1,2.5,-3e2}": {1, 2.5, -300}, "{{1,2},{3,4}}": {1, 2, 3, 4}, "{NaN,Infinity,-Infinity}": {float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))},
	} {
		got, err := featuresOf(nil, Field{OID: oidFloat4Array}, []byte(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if !same(got, want) {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
		back, err := featuresOf(nil, Field{OID: oidFloat4Array, Format: 1}, encodeReals(nil, 1, want))
		if err != nil || !same(back, want) {
			t.Errorf("%s: binary gives %v, %v", text, back, err)
		}
	}
	if got, err := featuresOf(nil, Field{OID: oidBoolArray}, []byte("{t,f}")); err != nil || !same(got, []float32{1, 0}) {
		t.Errorf("boolean[]: %v, %v", got, err)
	}
	for _, bad := range []string{"", "{", "{NULL}", "{a}", "[0:1]={1,2}", "1,2"} {
		if got, err := featuresOf(nil, Field{OID: oidFloat4Array}, []byte(bad)); err == nil {
			t.Errorf("%q: got %v, want an error", bad, got)
		}
	}
}

func same(a, b []float32) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] && !(a[i] != a[i] && b[i] != b[i]) {
			return false
		}
	}
	return true
}

func TestAppendRealIsWhatPostgresWrites(t *testing.T) {
	for v, want := range map[float32]string{0: "0", 1: "1", -0.034478: "-0.034478", 1e-5: "1e-05", 1e6: "1e+06", 123456: "123456", 0.0001: "0.0001",
		16777216: "1.6777216e+07", float32(math.Inf(-1)): "-Infinity"} {
		if got := string(appendReal(nil, v)); got != want {
			t.Errorf("%g: got %s, want %s", v, got, want)
		}
	}
}

func FuzzFeaturesOf(f *testing.F) {
	f.Add([]byte("{1,2}"), int16(0))
	f.Add(encodeReals(nil, 1, []float32{1, 2}), int16(1))
	f.Add(binary.BigEndian.AppendUint32([]byte{0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 2, 188}, math.MaxUint32), int16(1))
	f.Fuzz(func(t *testing.T, v []byte, format int16) {
		got, err := featuresOf(nil, Field{OID: oidFloat4Array, Format: format & 1}, v)
		if err == nil && len(got) > len(v) {
			t.Fatalf("%d numbers out of %d bytes", len(got), len(v))
		}
	})
}
