package train

import (
	"encoding/json"
	"math"
	"slices"
	"testing"
)

func TestStatistics(t *testing.T) {
	// Two columns; the second is described.
	x := []float32{9, 1, 9, 2, 9, 2, 9, -3, 9, nan, 9, 8}
	s := describe(x, 2, 1, 1)
	want := "Statistics { min: -3.0, max: 8.0, max_abs: 8.0, mean: 2.0, median: 2.0, mode: 2.0, variance: 12.4, std_dev: 3.5213633, missing: 1, distinct: 4, " +
		"histogram: [1, 0, 0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], " +
		"ventiles: [-3.0, -3.0, -3.0, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 8.0, 8.0, 8.0, 8.0], categories: None }"
	if got := s.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	array := describe(x, 2, 0, 2)
	if array.Missing != 1 || array.Max != 9 || array.Distinct != 5 {
		t.Errorf("over both columns: %+v", array)
	}
	none := describe([]float32{nan, nan}, 1, 0, 1)
	text, err := json.Marshal(none)
	if err != nil {
		t.Fatal(err)
	}
	var back map[string]any
	if err := json.Unmarshal(text, &back); err != nil || back["mean"] != nil || back["missing"] != 2.0 {
		t.Errorf("%v %s", err, text)
	}
	one := describe([]float32{5, 5, 5}, 1, 0, 1)
	if one.Histogram[0] != 3 || one.Variance != 0 || one.Mode != 5 {
		t.Errorf("of one value: %+v", one)
	}
}

func TestRadixSortsFloats(t *testing.T) {
	values := []float32{3, -1, 0, float32(math.Inf(1)), 1e-40, -1e-40, float32(math.Inf(-1)), 2.5, -2.5, 1e30, -1e30, 3}
	var keys []uint32
	for _, v := range values {
		keys = append(keys, key(v))
	}
	var got []float32
	for _, k := range radix(keys, make([]uint32, len(keys))) {
		got = append(got, value(k))
	}
	slices.Sort(values)
	if !slices.Equal(got, values) {
		t.Errorf("got %v, want %v", got, values)
	}
}

func TestNumbersAsInMessages(t *testing.T) {
	for _, c := range []struct {
		f              float64
		debug, display string
	}{
		{0, "0.0", "0"}, {1, "1.0", "1"}, {-3, "-3.0", "-3"}, {0.93, "0.93", "0.93"}, {1e-7, "1e-7", "0.0000001"}, {0.0001, "0.0001", "0.0001"},
		{1e16, "1e16", "10000000000000000"}, {1e15, "1000000000000000.0", "1000000000000000"}, {1.5e-12, "1.5e-12", "0.0000000000015"},
		{math.NaN(), "NaN", "NaN"}, {math.Inf(1), "inf", "inf"}, {math.Inf(-1), "-inf", "-inf"},
	} {
		if got := debug(c.f, 64); got != c.debug {
			t.Errorf("debug(%v): got %s, want %s", c.f, got, c.debug)
		}
		if got := display(c.f, 64); got != c.display {
			t.Errorf("display(%v): got %s, want %s", c.f, got, c.display)
		}
	}
}

func BenchmarkDescribeEmbeddings(b *testing.B) {
	x := make([]float32, 24000*384)
	for i := range x {
		x[i] = float32(i%9973) / 9973
	}
	for b.Loop() {
		describe(x, 384, 0, 384)
	}
}
