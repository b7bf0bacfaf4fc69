package search

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"
)

// copied is what COPY sends of vectors whose rows are numbered from 1.
func copied(vectors ...[]float32) []byte {
	b := append([]byte{}, signature...)
	b = append(b, make([]byte, 8)...)
	for i, v := range vectors {
		b = binary.BigEndian.AppendUint16(b, 2)
		b = binary.BigEndian.AppendUint32(b, 8)
		b = binary.BigEndian.AppendUint64(b, uint64(i+1))
		b = binary.BigEndian.AppendUint32(b, uint32(arrayHead+8*len(v)))
		for _, n := range []uint32{1, 0, realOID, uint32(len(v)), 1} {
			b = binary.BigEndian.AppendUint32(b, n)
		}
		for _, x := range v {
			b = binary.BigEndian.AppendUint32(b, 4)
			b = binary.BigEndian.AppendUint32(b, math.Float32bits(x))
		}
	}
	return append(b, 0xff, 0xff)
}

// Rows come whole, wherever the copy was cut.
func TestRows(t *testing.T) {
	vectors := [][]float32{{1, 2, 3}, {-4, 5.5, 0}, {7, 8, 9}}
	whole := copied(vectors...)
	for size := 1; size <= len(whole); size++ {
		var got [][]float32
		r := &rows{dims: 3, each: func(row int64, vector []float32) error {
			if row != int64(len(got)+1) {
				t.Errorf("row %d", row)
			}
			got = append(got, slices.Clone(vector))
			return nil
		}}
		for piece := range slices.Chunk(whole, size) {
			if _, err := r.Write(piece); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Close(); err != nil || !slices.EqualFunc(got, vectors, slices.Equal) {
			t.Fatalf("in pieces of %d: %v, %v", size, got, err)
		}
	}
}

func TestMalformedRows(t *testing.T) {
	good := copied([]float32{1, 2, 3})
	at := func(place int, bytes ...byte) []byte {
		b := slices.Clone(good)
		copy(b[place:], bytes)
		return b
	}
	const row = headLength
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"nothing", nil, "no end"},
		{"no end", good[:len(good)-2], "no end"},
		{"half a row", good[:len(good)-5], "no end"},
		{"more", append(slices.Clone(good), 0), "after the end"},
		{"no copy", at(0, 'X'), "binary form"},
		{"flags", at(14, 1), "binary form"},
		{"columns", at(row, 0, 3), "3 columns"},
		{"key", at(row+5, 4), "other types"},
		{"length", at(row+14, 0x7f), "other than 3 numbers"},
		{"NULL", at(row+14, 0xff, 0xff, 0xff, 0xff), "other than 3 numbers"},
		{"dimensions", at(row+18, 0, 0, 0, 2), "no array"},
		{"type", at(row+26, 0, 0, 0, 25), "no array"},
		{"fewer", at(row+30, 0, 0, 0, 2), "no array"},
		{"NULL number", at(row+38, 0xff, 0xff, 0xff, 0xff), "NULL among"},
	} {
		r := &rows{dims: 3, each: func(int64, []float32) error { return nil }}
		_, err := r.Write(c.data)
		if err == nil {
			err = r.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}

func FuzzRows(f *testing.F) {
	f.Add(copied([]float32{1, 2}), uint8(2), uint8(7))
	f.Add(copied(), uint8(2), uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, dims, size uint8) {
		count := func(size int) (n int, err error) {
			r := &rows{dims: int(dims), each: func(int64, []float32) error { n++; return nil }}
			for piece := range slices.Chunk(data, size) {
				if _, err = r.Write(piece); err != nil {
					return n, err
				}
			}
			return n, r.Close()
		}
		n, err := count(max(1, len(data)))
		m, other := count(max(1, int(size)))
		if n != m || (err == nil) != (other == nil) {
			t.Errorf("at once %d rows, %v; in pieces %d, %v", n, err, m, other)
		}
	})
}
