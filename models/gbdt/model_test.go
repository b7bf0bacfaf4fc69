package gbdt

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"reflect"
	"testing"

	"github.com/pgowl/pgowl/models/learn"
)

// models are fits of every layout: complete quartets, a rest, deep trees, several classes, gaps.
func models(t testing.TB) map[string]*Model {
	t.Helper()
	out := map[string]*Model{}
	for name, c := range map[string]struct {
		classes int
		missing float64
		params  map[string]any
	}{
		"complete": {0, 0, map[string]any{"n_estimators": 8.0, "max_depth": 4.0}},
		"rest":     {0, 0, map[string]any{"n_estimators": 11.0, "max_depth": 3.0}},
		"gaps":     {0, .2, map[string]any{"n_estimators": 9.0}},
		"deep":     {0, .1, map[string]any{"n_estimators": 6.0, "max_depth": 0.0, "min_child_weight": 0.0}},
		"logistic": {2, .1, map[string]any{"objective": "binary:logistic"}},
		"soft":     {2, 0, nil},
		"classes":  {5, .1, map[string]any{"n_estimators": 5.0, "num_parallel_tree": 2.0, "subsample": .7}},
		"poisson":  {0, 0, map[string]any{"objective": "count:poisson"}},
	} {
		out[name] = fit(t, noisy(700, 7, c.classes, c.missing), c.params).(*Model)
	}
	return out
}

// A row alone, rows in blocks and the plain walk of the trees agree to the bit.
func TestPredict(t *testing.T) {
	for name, m := range models(t) {
		x := noisy(3001, 7, 0, .1).X
		rows := len(x) / 7
		values := make([]float32, rows)
		m.Predict(values, x)
		k := max(1, m.Classes())
		probabilities := make([]float32, rows*k)
		m.Probabilities(probabilities, x)
		one, all := make([]float32, 1), make([]float32, k)
		for r := range rows {
			row := x[r*7 : r*7+7]
			m.Predict(one, row)
			if one[0] != values[r] {
				t.Fatalf("%s: row %d is %v alone and %v among others", name, r, one[0], values[r])
			}
			margins := make([]float32, m.groups)
			for g := range margins {
				margins[g] = m.base
			}
			for i, tr := range m.trees {
				margins[m.group(i)] += tr.value(row)
			}
			if m.groups == 1 && m.value(margins[0]) != one[0] {
				t.Fatalf("%s: row %d is %v, by walking %v", name, r, one[0], m.value(margins[0]))
			}
			if m.Classes() == 0 {
				continue
			}
			m.Probabilities(all, row)
			if !reflect.DeepEqual(all, probabilities[r*k:r*k+k]) {
				t.Fatalf("%s: row %d has %v alone and %v among others", name, r, all, probabilities[r*k:r*k+k])
			}
			best, sum := 0, 0.0
			for c, p := range all {
				sum += float64(p)
				if p > all[best] {
					best = c
				}
			}
			if float32(best) != one[0] || math.Abs(sum-1) > 1e-5 {
				t.Fatalf("%s: row %d is class %v with %v", name, r, one[0], all)
			}
		}
	}
}

func TestOneRowAllocatesNothing(t *testing.T) {
	for name, m := range models(t) {
		x, out := noisy(1, 7, 0, 0).X, make([]float32, max(1, m.Classes()))
		n := testing.AllocsPerRun(100, func() {
			m.Predict(out[:1], x)
			m.Probabilities(out[:m.Classes()], x)
		})
		if n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	for name, m := range models(t) {
		data := encode(t, m)
		again, err := Decode(data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !bytes.Equal(encode(t, again), data) {
			t.Errorf("%s: other bytes after a round trip", name)
		}
		x := noisy(300, 7, 0, .2).X
		if !reflect.DeepEqual(outputs(again, x), outputs(m, x)) {
			t.Errorf("%s: other predictions after a round trip", name)
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	whole := encode(t, fit(t, noisy(60, 3, 0, 0), map[string]any{"n_estimators": 2.0, "max_depth": 2.0}))
	for i := range whole {
		if _, err := Decode(whole[:i]); !errors.Is(err, ErrCorrupt) {
			t.Errorf("cut to %d bytes: %v", i, err)
		}
	}
	if _, err := Decode(append(whole, 0)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a byte more: %v", err)
	}
	base := []byte{0, 0, 0, 0}
	file := func(objective, features, classes, groups, parallel, trees byte, rest ...byte) []byte {
		return append(append([]byte("PGBT\x01"), objective, features, classes, groups, parallel, trees), append(base, rest...)...)
	}
	// file2 is a file of version 2 with a tree of so many splits, and what follows the trees.
	file2 := func(splits int, rest ...byte) []byte {
		trees := append(bytes.Repeat([]byte{1, 0, 0, 0, 0}, splits), make([]byte, 5*(splits+1))...)
		data := file(1, 1, 0, 1, 1, 1, append(trees, rest...)...)
		data[4] = 2
		return data
	}
	treeless := file(1, 1, 0, 1, 1, 0, 1, 0)
	treeless[4] = 2
	deep := bytes.Repeat([]byte{1, 0, 0, 0, 0}, maxTreeDepth+2)
	deep = append(deep, bytes.Repeat([]byte{0, 0, 0, 0, 0}, maxTreeDepth+3)...)
	for name, data := range map[string][]byte{
		"nothing":               nil,
		"version 0":             []byte("PGBT\x00\x01\x01\x00\x01\x01\x00\x00\x00\x00\x00"),
		"version":               []byte("PGBT\x03\x01\x01\x00\x01\x01\x00\x00\x00\x00\x00"),
		"objective 0":           file(0, 1, 0, 1, 1, 0),
		"objective 99":          file(99, 1, 0, 1, 1, 0),
		"no features":           file(1, 0, 0, 1, 1, 0),
		"classes":               file(1, 1, 2, 1, 1, 0),
		"groups":                file(3, 1, 3, 2, 1, 0),
		"no groups":             file(3, 1, 0, 0, 1, 0),
		"no parallel":           file(1, 1, 0, 1, 0, 0),
		"uneven trees":          file(3, 1, 2, 2, 1, 1, 0, 0, 0, 0, 0),
		"too many trees":        file(1, 1, 0, 1, 1, 100, 0, 0, 0, 0, 0),
		"feature":               file(1, 1, 0, 1, 1, 1, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
		"NaN":                   file(1, 1, 0, 1, 1, 1, 0, 0, 0, 0xc0, 0x7f),
		"half a tree":           file(1, 1, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0),
		"too deep":              file(1, 1, 0, 1, 1, 1, deep...),
		"no end":                file2(0),
		"other section":         file2(0, 9),
		"statistics":            file2(0, 1, 0, 0, 0x80, 0x3f),
		"cover below 0":         file2(0, 1, 0, 0, 0x80, 0xbf, 3),
		"endless cover":         file2(0, 1, 0, 0, 0x80, 0x7f, 3),
		"too many rows":         file2(0, 1, 0, 0, 0x80, 0x3f, 0x80, 0x80, 0x80, 0x80, 0x10),
		"statistics, twice":     file2(0, 1, 0, 0, 0x80, 0x3f, 3, 1, 0, 0, 0x80, 0x3f, 3),
		"no gain":               file2(1, 1, 0, 0, 0x80, 0x3f, 3, 0, 0, 0x80, 0x3f, 3, 0, 0, 0x80, 0x3f, 3),
		"of no trees":           treeless,
		"rows of no statistics": file2(0, 2, 0),
		"overlong number":       append([]byte("PGBT\x01\x01"), bytes.Repeat([]byte{0xff}, 20)...),
	} {
		if _, err := Decode(data); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Decode(file(1, 1, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)); err != nil {
		t.Errorf("a sound model: %v", err)
	}
	if m, err := Decode(file2(0, 1, 0, 0, 0x80, 0x3f, 3, 2, 0)); err != nil || !m.(*Model).statistics() || !m.(*Model).byRows {
		t.Errorf("a sound model with statistics: %v", err)
	}
}

// A file of version 1 predicts as ever, and has no statistics.
func TestDecodeVersion1(t *testing.T) {
	m := fit(t, noisy(700, 7, 3, .2), nil).(*Model)
	data := encode(t, m)
	bare := *m
	bare.trees = append([]tree(nil), m.trees...)
	for i := range bare.trees {
		bare.trees[i].stats = nil
	}
	old := encode(t, &bare)
	old = old[:len(old)-1] // without the end of the sections
	old[len(magic)] = 1
	if !bytes.HasPrefix(data[5:], old[5:]) || len(data) == len(old) {
		t.Error("the statistics do not follow what was there before")
	}
	again, err := Decode(old)
	if err != nil {
		t.Fatal(err)
	}
	x := noisy(300, 7, 0, .2).X
	if !reflect.DeepEqual(outputs(again, x), outputs(m, x)) || again.(*Model).statistics() {
		t.Errorf("other predictions, or statistics from nowhere")
	}
}

// The rows and the cover of a node are those of its children together, and of the root those of the data set.
func TestStatistics(t *testing.T) {
	for name, m := range models(t) {
		for i, tr := range m.trees {
			if name != "classes" && tr.stats[0].rows != 700 || len(tr.stats) != len(tr.nodes) {
				t.Fatalf("%s: tree %d of %d nodes has %d statistics and %d rows", name, i, len(tr.nodes), len(tr.stats), tr.stats[0].rows)
			}
			for at, n := range tr.nodes {
				s := tr.stats[at]
				if n.feature == leaf {
					if s.gain != 0 || s.rows == 0 {
						t.Fatalf("%s: a leaf with %+v", name, s)
					}
					continue
				}
				l, r := tr.stats[n.left], tr.stats[n.left+1]
				if !(s.gain > 0) || l.rows+r.rows != s.rows || math.Abs(float64(l.cover+r.cover-s.cover)) > 1e-4*float64(s.cover) {
					t.Fatalf("%s: a split with %+v of %+v and %+v", name, s, l, r)
				}
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encode(f, fit(f, noisy(40, 3, 0, .1), map[string]any{"n_estimators": 5.0, "max_depth": 2.0})))
	sets, err := TrainLightGBM(f.Context(), withCategories(noisy(60, 2, 0, 0)), learn.Regression, map[string]any{"n_estimators": 2.0, "min_data_in_leaf": 2.0,
		"min_data_per_group": 1.0, "cat_smooth": 1.0}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(encode(f, sets))
	lines, err := TrainLightGBM(f.Context(), noisy(60, 2, 2, 0), learn.Classification, map[string]any{"n_estimators": 2.0, "linear_tree": true, "objective": "multiclassova"}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(encode(f, lines))
	f.Add(encode(f, fit(f, noisy(40, 2, 3, 0), map[string]any{"n_estimators": 4.0, "max_depth": 1.0})))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Decode(data)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("error without ErrCorrupt: %v", err)
			}
			return
		}
		if m.Features() > 1<<12 {
			return
		}
		x := make([]float32, 5*m.Features())
		for i := range x {
			x[i] = float32(i%11) - 5
		}
		outputs(m, x)
		outputs(m, x[:m.Features()])
		again, err := Decode(encode(t, m))
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Errorf("not the same after a round trip: %v", err)
		}
	})
}

func BenchmarkPredict(b *testing.B) {
	d := noisy(4096, 20, 0, 0)
	m := fit(b, d, map[string]any{"n_estimators": 100.0})
	for _, rows := range []int{1, 64, 4096} {
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			dst, x := make([]float32, rows), d.X[:rows*20]
			b.ReportAllocs()
			for b.Loop() {
				m.Predict(dst, x)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(rows*100), "ns/tree-row")
		})
	}
}

func BenchmarkTrain(b *testing.B) {
	for _, c := range []struct{ rows, features, classes int }{{100_000, 20, 0}, {12_000, 384, 2}} {
		d := noisy(c.rows, c.features, c.classes, 0)
		b.Run(fmt.Sprintf("%dx%d", c.rows, c.features), func(b *testing.B) {
			for b.Loop() {
				var m learn.Model = fit(b, d, nil)
				_ = m
			}
		})
	}
}

// The margin that tells two classes apart is where the probability passes a half.
func TestHalf(t *testing.T) {
	for margin, want := range map[float32]bool{half: false, math.Nextafter32(half, 1): true, 0: false, -1: false, 1: true} {
		if got := sigmoidOf(margin) > 0.5; got != want {
			t.Errorf("a margin of %v has the probability %v", margin, sigmoidOf(margin))
		}
	}
}
