package train

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/models/learn"
)

// record writes a row as record_send does; values are nil for NULL.
func record(oids []uint32, values ...[]byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(values)))
	for i, v := range values {
		b = binary.BigEndian.AppendUint32(b, oids[i])
		if v == nil {
			b = binary.BigEndian.AppendUint32(b, math.MaxUint32)
			continue
		}
		b = binary.BigEndian.AppendUint32(b, uint32(len(v)))
		b = append(b, v...)
	}
	return b
}

// vector writes a float4[] as array_send does.
func vector(values ...float32) []byte {
	var b []byte
	for _, n := range []uint32{1, 0, 700, uint32(len(values)), 1} {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	for _, v := range values {
		b = binary.BigEndian.AppendUint32(b, 4)
		b = binary.BigEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

var testOIDs = []uint32{1021, 21, 16}

// testDecoder reads a real[], an int2 and a boolean label.
func testDecoder(tb testing.TB) *decoder {
	tb.Helper()
	columns := []column{
		{Name: "v", Type: "float4[]", Array: true, Builtin: true},
		{Name: "n", Type: "int2", Builtin: true},
		{Name: "y", Type: "bool", Builtin: true},
	}
	fs, y, err := features(columns, "y")
	if err != nil {
		tb.Fatal(err)
	}
	l, err := newLabels(y, learn.Classification)
	if err != nil {
		tb.Fatal(err)
	}
	return &decoder{features: fs, labels: l}
}

func TestDecodesWhereverTheStreamIsCut(t *testing.T) {
	var stream []byte
	var want []float32
	for i := range 50 {
		f := float32(i)
		stream = append(stream, record(testOIDs, vector(f, -f, f/2), []byte{0xff, byte(i)}, []byte{byte(i & 1)})...)
		want = append(want, f, -f, f/2, float32(int16(-256+i)))
	}
	for _, piece := range []int{1, 2, 3, 7, 64, 1000, len(stream)} {
		d := testDecoder(t)
		for part := range slices.Chunk(stream, piece) {
			if err := d.Write(slices.Clone(part)); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		if d.x.rows != 50 || !slices.Equal(d.x.blocks[0][:len(want)], want) {
			t.Errorf("pieces of %d: %d rows, %v", piece, d.x.rows, d.x.blocks[0][:len(want)])
		}
		if y := d.labels.finish(); y[0] != 0 || y[1] != 1 || len(y) != 50 {
			t.Errorf("labels %v", y)
		}
	}
}

func TestRefusesMalformedRows(t *testing.T) {
	good := record(testOIDs, vector(1, 2), []byte{0, 1}, []byte{1})
	for _, c := range []struct {
		name string
		row  []byte
		want string
	}{
		{"cut", good[:len(good)-1], "ends inside a row"},
		{"columns", record(testOIDs, vector(1, 2)), "1 columns instead of 3"},
		{"length", append(slices.Clone(good[:8]), 0xff, 0, 0, 0), "a length of"},
		{"scalar's type", record([]uint32{1021, 23, 16}, vector(1), []byte{0, 1}, []byte{1}), "has type 23 of 2 bytes"},
		{"scalar's size", record(testOIDs, vector(1), []byte{0, 1, 2}, []byte{1}), "has type 21 of 3 bytes"},
		{"label's size", record(testOIDs, vector(1), []byte{0, 1}, []byte{}), `label "y" has 0 bytes`},
		{"array's header", record(testOIDs, vector(1)[:8], []byte{0, 1}, []byte{1}), `array "v" is cut`},
		{"array's elements", record(testOIDs, vector(1, 2)[:30], []byte{0, 1}, []byte{1}), `array "v" has 10 bytes for 2 elements`},
		{"array's element", record(testOIDs, append(vector(1)[:20], 0, 0, 0, 9, 0, 0, 0, 0), []byte{0, 1}, []byte{1}), "an element of another size"},
		{"NULL array", record(testOIDs, nil, []byte{0, 1}, []byte{1}), "An array of feature `v` is NULL"},
		{"other length", append(slices.Clone(good), record(testOIDs, vector(1), []byte{0, 1}, []byte{1})...), "Mismatched array length for feature `v`. Expected: 2 Received: 1"},
	} {
		d := testDecoder(t)
		err := d.Write(c.row)
		if err == nil {
			err = d.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
}

func FuzzDecoder(f *testing.F) {
	good := record(testOIDs, vector(1, 2), []byte{0, 1}, []byte{1})
	f.Add(append(slices.Clone(good), good...), 5)
	f.Add(record(testOIDs, nil, nil, nil), 1)
	f.Fuzz(func(t *testing.T, stream []byte, piece int) {
		d := testDecoder(t)
		for part := range slices.Chunk(stream, max(1, piece)) {
			if d.Write(part) != nil {
				return
			}
		}
		if d.x.rows != len(d.labels.codes) {
			t.Fatalf("%d rows, %d labels", d.x.rows, len(d.labels.codes))
		}
	})
}

func BenchmarkDecodeEmbeddings(b *testing.B) {
	row := record(testOIDs, vector(make([]float32, 384)...), []byte{0, 1}, []byte{1})
	stream := slices.Repeat(row, 1000)
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	for b.Loop() {
		d := testDecoder(b)
		for part := range slices.Chunk(stream, 32768) {
			if err := d.Write(part); err != nil {
				b.Fatal(err)
			}
		}
	}
}
