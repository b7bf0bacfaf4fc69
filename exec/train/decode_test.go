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

// groupDecoder reads five int2, two float8 and a text in between, and an integer label.
func groupDecoder(tb testing.TB) *decoder {
	tb.Helper()
	var columns []column
	for _, c := range []string{"a int2", "b int2", "t text", "p float8", "c int2", "q numeric", "d int2", "e int2", "y int4"} {
		name, typ, _ := strings.Cut(c, " ")
		columns = append(columns, column{Name: name, Type: typ, Builtin: true})
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

// shorts writes an int2[] as array_send does; 0 stands for NULL.
func shorts(values ...uint16) []byte {
	var b []byte
	for _, n := range []uint32{1, 1, 21, uint32(len(values)), 1} {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	for _, v := range values {
		if v == 0 {
			b = binary.BigEndian.AppendUint32(b, math.MaxUint32)
			continue
		}
		b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint32(b, 2), v)
	}
	return b
}

var groupOIDs = []uint32{1005, 17, 701, 701, 23}

// double and label are the other columns of groupDecoder.
var double, label = []byte{0x40, 0, 0, 0, 0, 0, 0, 0}, []byte{0, 0, 0, 7}

func TestColumnsOfOneTypeTravelTogether(t *testing.T) {
	d := groupDecoder(t)
	want := `SELECT pg_catalog.record_send(ROW(ARRAY[t."a"::pg_catalog.int2, t."b"::pg_catalog.int2, t."c"::pg_catalog.int2, t."d"::pg_catalog.int2, t."e"::pg_catalog.int2], ` +
		`pg_catalog.convert_to(t."t"::pg_catalog.text, 'UTF8'), t."p"::pg_catalog.float8, t."q"::pg_catalog.float8, t."y"::pg_catalog.int4)) FROM "s"."r" AS t`
	if got := statement(relation{"s", "r"}, d.features, d.labels.sql()); got != want {
		t.Errorf("got %s", got)
	}
	stream := slices.Concat(record(groupOIDs, shorts(1, 2, 3, 4, 0xfffb), []byte("x"), double, nil, label),
		record(groupOIDs, shorts(6, 7, 0, 9, 10), nil, double, double, label))
	if err := d.Write(stream); err != nil {
		t.Fatal(err)
	}
	rows := [][]float32{{1, 2, 0, 2, 3, nan, 4, -5}, {6, 7, 1, 2, nan, 2, 9, 10}}
	for i, want := range rows {
		if got := d.x.row(i); !slices.EqualFunc(got, want, func(a, b float32) bool { return a == b || a != a && b != b }) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	for name, missing := range map[string]int{"a": 0, "c": 1, "q": 1, "t": 0} {
		for _, f := range d.features {
			if f.Name == name && f.missing != missing {
				t.Errorf("%s: %d missing", name, f.missing)
			}
		}
	}
	for name, group := range map[string][]byte{
		"cut": shorts(1, 2, 3, 4, 5)[:19], "NULL": nil, "too few": shorts(1, 2, 3, 4), "too many": append(shorts(1, 2, 3, 4, 5), 0), "type": vector(1, 2, 3, 4, 5),
		"short": shorts(1, 2, 3, 4, 5)[:48], "size": append(shorts(1, 2, 3, 4, 5)[:44], 0, 0, 0, 1, 0, 0),
	} {
		err := groupDecoder(t).Write(record(groupOIDs, group, nil, double, double, label))
		if err == nil || !strings.Contains(err.Error(), "cannot be read") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func FuzzGroups(f *testing.F) {
	f.Add(record(groupOIDs, shorts(1, 2, 3, 4, 5), []byte("x"), double, nil, label), 5)
	f.Fuzz(func(t *testing.T, stream []byte, piece int) {
		d := groupDecoder(t)
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

// FuzzAsides decodes rows that end in a weight, a query and an upper bound.
func FuzzAsides(f *testing.F) {
	oids := append(slices.Clone(testOIDs), 700, 17, 701)
	half, two := []byte{0x3f, 0, 0, 0}, []byte{0x40, 0, 0, 0, 0, 0, 0, 0}
	good := record(oids, vector(1, 2), []byte{0, 1}, []byte{1}, half, []byte("q"), two)
	f.Add(append(slices.Clone(good), good...), 5)
	f.Add(record(oids, vector(1), nil, []byte{0}, nil, nil, nil), 1)
	f.Add(record(oids, vector(1), nil, []byte{0}, []byte{1}, nil, nil), 1)
	f.Fuzz(func(t *testing.T, stream []byte, piece int) {
		d := testDecoder(t)
		for as, typ := range map[role]string{weighs: "float4", asks: "text", bounded: "float8"} {
			a, err := newAside(column{Name: string(as), Type: typ, Builtin: true}, as)
			if err != nil {
				t.Fatal(err)
			}
			d.asides = append(d.asides, a)
		}
		slices.SortFunc(d.asides, func(a, b *aside) int { return slices.Index(roles, a.role) - slices.Index(roles, b.role) })
		for part := range slices.Chunk(stream, max(1, piece)) {
			if d.Write(part) != nil {
				return
			}
		}
		_ = d.asides.check()
		for _, a := range d.asides {
			if n := len(a.values) + len(a.codes); n != d.x.rows {
				t.Fatalf("%d rows, %d of %s", d.x.rows, n, a.role)
			}
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

// BenchmarkDecodeNumbers decodes rows of 28 float4 columns, as they come from the call lane.
func BenchmarkDecodeNumbers(b *testing.B) {
	columns := []column{{Name: "y", Type: "bool", Builtin: true}}
	for i := range 28 {
		columns = append(columns, column{Name: string(rune('A' + i)), Type: "float4", Builtin: true})
	}
	oids, values := []uint32{1021, 16}, [][]byte{vector(make([]float32, 28)...), {1}}
	const rows = 10000
	stream := slices.Repeat(record(oids, values...), rows)
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	for b.Loop() {
		fs, y, err := features(columns, "y")
		if err != nil {
			b.Fatal(err)
		}
		l, err := newLabels(y, learn.Classification)
		if err != nil {
			b.Fatal(err)
		}
		d := &decoder{features: fs, labels: l}
		for part := range slices.Chunk(stream, 32768) {
			if err := d.Write(part); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
}
