package train

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/models/learn"
)

// copyOpening is the header that Postgres sends.
var copyOpening = append(slices.Clone(copySignature), 0, 0, 0, 0, 0, 0, 0, 0)

// tuple writes a row as COPY does; values are nil for NULL.
func tuple(values ...[]byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(len(values)))
	for _, v := range values {
		if v == nil {
			b = binary.BigEndian.AppendUint32(b, math.MaxUint32)
			continue
		}
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(v))), v...)
	}
	return b
}

// testTuples reads columns given as "name type"; the last is the label.
func testTuples(tb testing.TB, given ...string) *tuples {
	tb.Helper()
	var columns []column
	for _, c := range given {
		name, typ, _ := strings.Cut(c, " ")
		columns = append(columns, column{Name: name, Type: typ, Builtin: true, Array: strings.HasSuffix(typ, "[]")})
	}
	fs, y, err := features(columns, columns[len(columns)-1].Name)
	if err != nil {
		tb.Fatal(err)
	}
	l, err := newLabels(y, learn.Classification)
	if err != nil {
		tb.Fatal(err)
	}
	return &tuples{decoder: decoder{features: fs, labels: l}}
}

func short(n int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(n)) }
func long(n int) []byte  { return binary.BigEndian.AppendUint64(nil, uint64(n)) }
func real4(f float32) []byte {
	return binary.BigEndian.AppendUint32(nil, math.Float32bits(f))
}
func real8(f float64) []byte {
	return binary.BigEndian.AppendUint64(nil, math.Float64bits(f))
}

func TestTuplesWhereverTheCopyIsCut(t *testing.T) {
	same := func(got, want []float32) bool {
		return slices.EqualFunc(got, want, func(a, b float32) bool { return a == b || a != a && b != b })
	}
	for name, c := range map[string]struct {
		columns []string
		row     func(i int) ([][]byte, []float32)
		fixed   int
	}{
		"numbers": {[]string{"a float4", "b int2", "c float8", "d bool", "e int8", "y bool"}, func(i int) ([][]byte, []float32) {
			f := float32(i)
			row, want := [][]byte{real4(f), short(-i), real8(float64(f) / 4), {byte(i % 2)}, long(-i), {byte(i & 1)}}, []float32{f, -f, f / 4, f - 2*float32(i/2), -f}
			if i%7 == 3 {
				row[i%5], want[i%5] = nil, nan
			}
			return row, want
		}, 2 + 6*4 + 4 + 2 + 8 + 1 + 8 + 1},
		"arrays and texts": {[]string{"a float4[]", "t text", "b int2", "y bool"}, func(i int) ([][]byte, []float32) {
			f := float32(i)
			return [][]byte{vector(f, f+1), []byte([]string{"x", "y"}[i%2]), short(i), {byte(i & 1)}}, []float32{f, f + 1, float32(i % 2), f}
		}, 0},
	} {
		stream, want := slices.Clone(copyOpening), []float32(nil)
		for i := range 50 {
			values, row := c.row(i)
			stream, want = append(stream, tuple(values...)...), append(want, row...)
		}
		stream = append(stream, 0xff, 0xff)
		for _, piece := range []int{1, 2, 3, 7, 64, 1000, len(stream)} {
			d := testTuples(t, c.columns...)
			for part := range slices.Chunk(stream, piece) {
				if err := d.Write(slices.Clone(part)); err != nil {
					t.Fatal(name, err)
				}
			}
			if err := d.Close(); err != nil {
				t.Fatal(name, err)
			}
			if d.x.rows != 50 || !same(d.x.blocks[0][:len(want)], want) || d.fixed != c.fixed {
				t.Errorf("%s, pieces of %d: %d rows, %v", name, piece, d.x.rows, d.x.blocks[0][:len(want)])
			}
			if y := d.labels.finish(); y[0] != 0 || y[1] != 1 || len(y) != 50 {
				t.Errorf("%s: labels %v", name, y)
			}
		}
	}
}

func TestTuplesRefused(t *testing.T) {
	numbers, mixed := []string{"a float4", "y bool"}, []string{"a float4[]", "t text", "y bool"}
	good := tuple(real4(1), []byte{1})
	for _, c := range []struct {
		name    string
		columns []string
		data    []byte
		want    string
	}{
		{"signature", numbers, []byte("PGCOPY\n\xff\r\n\x01"), "not of the binary format"},
		{"text", numbers, []byte("1\tt\n"), "not of the binary format"},
		{"flags", numbers, append(slices.Clone(copySignature), 0, 1, 0, 0, 0, 0, 0, 0), "flags 10000"},
		{"extension", numbers, append(slices.Clone(copySignature), 0, 0, 0, 0, 0xff, 0, 0, 0), "bytes of extension"},
		{"no end", numbers, append(slices.Clone(copyOpening), good...), "no end"},
		{"cut", numbers, append(slices.Clone(copyOpening), good[:len(good)-1]...), "no end"},
		{"goes on", numbers, append(append(slices.Clone(copyOpening), 0xff, 0xff), good...), "goes on after its end"},
		{"columns", numbers, append(slices.Clone(copyOpening), tuple(real4(1))...), "1 columns instead of 2"},
		{"columns later", numbers, append(append(slices.Clone(copyOpening), good...), append(tuple(real4(1), nil, real4(2)), good...)...), "3 columns instead of 2"},
		{"size", numbers, append(slices.Clone(copyOpening), tuple(real8(1), []byte{1})...), `"a" has a value of 8 bytes`},
		{"size later", numbers, append(append(slices.Clone(copyOpening), good...), append(tuple(short(1), []byte{1}), good...)...), `"a" has a value of 2 bytes`},
		{"length later", numbers, append(append(slices.Clone(copyOpening), good...), append([]byte{0, 2, 0x7f, 0, 0, 0, 0, 0, 0, 0}, good...)...), "a length of"},
		{"length", mixed, append(slices.Clone(copyOpening), 0, 3, 0xff, 0, 0, 0), "a length of"},
		{"label's size", numbers, append(slices.Clone(copyOpening), tuple(real4(1), short(1))...), `label "y" has 2 bytes`},
		{"NULL array", mixed, append(slices.Clone(copyOpening), tuple(nil, []byte("x"), []byte{1})...), "An array of feature `a` is NULL"},
		{"empty array", mixed, append(slices.Clone(copyOpening), tuple(vector()[:12], []byte("x"), []byte{1})...), "a"},
	} {
		d := testTuples(t, c.columns...)
		err := d.Write(c.data)
		if err == nil {
			err = d.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
}

// FuzzTuples reads any bytes, at once and cut in two: both give the same.
func FuzzTuples(f *testing.F) {
	row := tuple(real4(1), short(2), []byte{1})
	f.Add(slices.Concat(copyOpening, row, tuple(nil, nil, nil), []byte{0xff, 0xff}), uint16(25), false)
	f.Add(slices.Concat(copyOpening, tuple(vector(1, 2), []byte("x"), []byte{1}), tuple(vector(3, 4), nil, []byte{0}), []byte{0xff, 0xff}), uint16(40), true)
	f.Add(slices.Concat(copySignature, []byte{0, 0, 0, 0, 0, 0, 0, 1, 9}, row), uint16(3), false)
	f.Fuzz(func(t *testing.T, data []byte, cut uint16, mixed bool) {
		columns := []string{"a float4", "b int2", "y bool"}
		if mixed {
			columns = []string{"a float4[]", "t text", "y bool"}
		}
		whole, halves := testTuples(t, columns...), testTuples(t, columns...)
		err := whole.Write(data)
		if err == nil {
			err = whole.Close()
		}
		at := min(int(cut), len(data))
		other := halves.Write(slices.Clone(data[:at]))
		if other == nil {
			other = halves.Write(data[at:])
		}
		if other == nil {
			other = halves.Close()
		}
		if (err == nil) != (other == nil) || err == nil && (whole.x.rows != halves.x.rows || !slices.EqualFunc(slices.Concat(whole.x.blocks...), slices.Concat(halves.x.blocks...),
			func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) })) {
			t.Errorf("at once %v, %d rows; cut %v, %d rows", err, whole.x.rows, other, halves.x.rows)
		}
	})
}

func BenchmarkTuples(b *testing.B) {
	columns := []string{}
	values := [][]byte{}
	for i := range 28 {
		columns = append(columns, "c"+string(rune('a'+i))+" float4")
		values = append(values, real4(float32(i)))
	}
	columns, values = append(columns, "y int4"), append(values, []byte{0, 0, 0, 1})
	row := tuple(values...)
	b.SetBytes(int64(len(row)))
	d := testTuples(b, columns...)
	d.Write(copyOpening)
	for b.Loop() {
		if err := d.Write(row); err != nil {
			b.Fatal(err)
		}
		if d.x.rows == 1<<20 {
			d.x.blocks, d.x.rows, d.labels.codes = nil, 0, d.labels.codes[:0]
		}
	}
}
