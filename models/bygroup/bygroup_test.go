package bygroup

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/pgowl/pgowl/models/gbdt"
	"github.com/pgowl/pgowl/models/learn"
)

// sample has three groups (feature 1 is 2, 5 or 9) with a rule of their own each, and one of five rows.
func sample(classes int) *learn.Dataset {
	d := &learn.Dataset{Features: 3, Classes: classes, Categorical: []bool{false, true, false}, Names: []string{"a", "shop", "b"}}
	for i := range 300 {
		group := []float32{2, 5, 9}[i%3]
		if i < 5 {
			group = 7
		}
		x := float32(i / 3 % 20)
		d.X = append(d.X, x, group, 1)
		y := x
		if group == 5 {
			y = 100 - x
		}
		if classes > 0 {
			y = float32(int(y)/10) - float32(int(y)/10/classes*classes)
			if group == 9 {
				y = 0
			}
		}
		d.Y = append(d.Y, y)
	}
	d.Rows = len(d.Y)
	return d
}

var nan = float32(math.NaN())

var hyperparams = map[string]any{"n_estimators": 30.0, "max_depth": 4.0}

func fitted(tb testing.TB, classes int) *Model {
	tb.Helper()
	task := learn.Regression
	if classes > 0 {
		task = learn.Classification
	}
	m, err := Train(context.Background(), gbdt.Train, sample(classes), 1, nan, task, hyperparams, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// TestEachGroupHasItsOwnModel compares with fits of each group's rows alone, before and after the way through bytes.
func TestEachGroupHasItsOwnModel(t *testing.T) {
	for _, classes := range []int{0, 3} {
		d := sample(classes)
		m := fitted(t, classes)
		data, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Decode(data, gbdt.Decode)
		if err != nil {
			t.Fatal(err)
		}
		task, width, groups := learn.Regression, 1, 3
		if classes > 0 {
			task, width, groups = learn.Classification, classes, 2 // one has a single class
		}
		for _, m := range []*Model{m, again} {
			if m.Features() != 3 || m.Classes() != classes || m.Groups() != groups {
				t.Errorf("%d features, %d classes, %d groups", m.Features(), m.Classes(), m.Groups())
			}
			got := make([]float32, d.Rows*width)
			compute := learn.Model.Predict
			if classes > 0 {
				compute = learn.Model.Probabilities
			}
			compute(m, got, d.X)
			for _, key := range []float32{2, 5, 7, 9} {
				var rows, of []int
				for i := range d.Rows {
					if d.Row(i)[1] == key {
						of = append(of, i)
					}
					rows = append(rows, i)
				}
				if key != 7 && (key != 9 || classes == 0) { // else by the model of all rows
					rows = of
				}
				alone, err := gbdt.Train(context.Background(), without(d, 1, rows), task, hyperparams, nil)
				if err != nil {
					t.Fatal(err)
				}
				want := make([]float32, len(of)*width)
				compute(alone, want, without(d, 1, of).X)
				for k, i := range of {
					if !slices.Equal(got[i*width:(i+1)*width], want[k*width:(k+1)*width]) {
						t.Fatalf("row %d of group %v is %v, want %v", i, key, got[i*width:(i+1)*width], want[k*width:(k+1)*width])
					}
				}
			}
			unseen, nobody := make([]float32, width), make([]float32, width)
			compute(m, unseen, []float32{3, 1234, 1})
			compute(m, nobody, []float32{3, nan, 1})
			rest := make([]float32, width)
			compute(m.rest, rest, []float32{3, 1})
			if !slices.Equal(unseen, rest) || !slices.Equal(nobody, rest) {
				t.Errorf("an unseen group is %v, none %v, want %v", unseen, nobody, rest)
			}
		}
	}
}

func TestRowsWithoutAGroup(t *testing.T) {
	m, err := Train(context.Background(), gbdt.Train, sample(0), 1, 5, learn.Regression, hyperparams, nil)
	if err != nil || m.Groups() != 2 {
		t.Errorf("%d groups without that of 5: %v", m.Groups(), err)
	}
}

func TestErrors(t *testing.T) {
	var param *learn.ParamError
	if _, err := Train(context.Background(), gbdt.Train, sample(0), 1, nan, learn.Regression, map[string]any{"no such": 1.0}, nil); !errors.As(err, &param) {
		t.Errorf("got %v", err)
	}
	for _, feature := range []int{-1, 3} {
		if _, err := Train(context.Background(), gbdt.Train, sample(0), feature, nan, learn.Regression, nil, nil); err == nil {
			t.Errorf("feature %d can choose", feature)
		}
	}
	d := &learn.Dataset{Features: 2}
	for i := range (MaxGroups + 1) * MinRows {
		d.X = append(d.X, float32(i/MinRows), float32(i))
		d.Y = append(d.Y, float32(i))
	}
	d.Rows = len(d.Y)
	var many *TooMany
	if _, err := Train(context.Background(), gbdt.Train, d, 0, nan, learn.Regression, nil, nil); !errors.As(err, &many) {
		t.Errorf("got %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	data, err := fitted(f, 0).Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(data[:len(data)-1])
	f.Add([]byte(magic + "\x01\x00\x00"))
	f.Add([]byte(magic + "\x01\x01\x00\x00\xc0\x7f"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Decode(data, gbdt.Decode)
		if err != nil {
			return
		}
		out, x := make([]float32, 1), make([]float32, m.Features())
		m.Predict(out, x)
		if _, err := m.Encode(); err != nil {
			t.Errorf("decoded, but not encoded: %v", err)
		}
	})
}
