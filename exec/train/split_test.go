package train

import (
	"slices"
	"testing"
)

func TestTestRows(t *testing.T) {
	for _, c := range []struct {
		size float32
		rows int
		want int // -1 for too large
	}{
		{0.25, 100, 25}, {0.25, 10, 3}, {0, 10, 0}, {0.999, 10, -1}, {1, 10, -1}, {2, 10, 2}, {2.9, 10, 2}, {9, 10, 9}, {10, 10, -1},
		{1e9, 10, -1}, {0.5, 1, -1}, {0.4, 1, 0}, {0.25, 0, -1},
	} {
		got, err := testRows(c.size, c.rows)
		if err != nil {
			got = -1
		}
		if got != c.want {
			t.Errorf("testRows(%v, %d): got %d %v, want %d", c.size, c.rows, got, err, c.want)
		}
	}
}

func TestSplit(t *testing.T) {
	y := make([]float32, 1000) // 900 of class 0, 97 of class 1, 3 of class 2
	for i := 900; i < 1000; i++ {
		y[i] = 1
	}
	y[0], y[500], y[999] = 2, 2, 2
	y[1] = 1 // keep 97 + 1
	perClass := func(marked []bool) [3]int {
		var n [3]int
		for i, m := range marked {
			if m {
				n[int(y[i])]++
			}
		}
		return n
	}
	for _, sampling := range []string{"last", "random", "stratified"} {
		a, err := split(sampling, y, 3, 250, 7)
		if err != nil {
			t.Fatal(err)
		}
		if n := perClass(a); n[0]+n[1]+n[2] != 250 {
			t.Errorf("%s marks %v", sampling, n)
		}
		if b, _ := split(sampling, y, 3, 250, 7); !slices.Equal(a, b) {
			t.Errorf("%s: the same seed marks other rows", sampling)
		}
		if b, _ := split(sampling, y, 3, 250, 8); slices.Equal(a, b) != (sampling == "last") {
			t.Errorf("%s: another seed", sampling)
		}
		switch sampling {
		case "last":
			if slices.Contains(a[:750], true) || slices.Contains(a[750:], false) {
				t.Error("last does not mark the last rows")
			}
		case "stratified":
			if n := perClass(a); n != [3]int{224, 25, 1} && n != [3]int{225, 24, 1} {
				t.Errorf("stratified marks %v", n)
			}
		}
	}
	if _, err := split("first", y, 3, 1, 1); code(err) != `22P02 invalid input value for enum pgml.sampling: "first"` {
		t.Errorf("got %v", err)
	}
}

// TestSharesKeepEveryClassInBothParts tries small counts of all kinds.
func TestSharesKeepEveryClassInBothParts(t *testing.T) {
	for a := 2; a < 7; a++ {
		for b := 2; b < 7; b++ {
			for c := 2; c < 30; c += 3 {
				members := [][]int32{make([]int32, a), make([]int32, b), make([]int32, c)}
				rows := a + b + c
				for count := 3; count <= rows-3; count++ {
					n := shares(members, count, rows)
					sum := 0
					for k, m := range members {
						sum += n[k]
						if n[k] < 1 || n[k] >= len(m) {
							t.Errorf("%d %d %d, %d test rows: %v", a, b, c, count, n)
						}
					}
					if sum != count {
						t.Errorf("%d %d %d, %d test rows: %v", a, b, c, count, n)
					}
				}
			}
		}
	}
}

func TestPart(t *testing.T) {
	m := matrix{width: 3, perBlock: 2}
	for i := range 5 {
		row, err := m.next()
		if err != nil {
			t.Fatal(err)
		}
		for j := range row {
			row[j] = float32(10*i + j)
		}
	}
	set, rest := m.part([]bool{false, true, false, false, true}, 2, 3, nil)
	if want := []float32{10, 11, 12, 40, 41, 42}; !slices.Equal(set, want) {
		t.Errorf("got %v, want %v", set, want)
	}
	if want := []float32{0, 1, 2, 20, 21, 22, 30, 31, 32}; !slices.Equal(rest, want) {
		t.Errorf("got %v, want %v", rest, want)
	}
}
