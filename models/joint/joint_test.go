package joint

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/pgowl/pgowl/models/gbdt"
	"github.com/pgowl/pgowl/models/learn"
)

// sample has three labels: a step, its mirror image and a line.
func sample() (*learn.Dataset, [][]float32) {
	d := &learn.Dataset{Rows: 60, Features: 2}
	others := make([][]float32, 2)
	for i := range d.Rows {
		d.X = append(d.X, float32(i), float32(i%3))
		step := float32(0)
		if i > 30 {
			step = 10
		}
		d.Y = append(d.Y, step)
		others[0] = append(others[0], -step)
		others[1] = append(others[1], float32(i))
	}
	return d, others
}

func fitted(tb testing.TB) *Model {
	tb.Helper()
	d, others := sample()
	m, err := Train(context.Background(), gbdt.Train, d, others, map[string]any{"n_estimators": 4.0, "max_depth": 3.0}, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// TestEachOutputIsItsOwnModel compares with fits of each label alone, before and after the way through bytes.
func TestEachOutputIsItsOwnModel(t *testing.T) {
	d, others := sample()
	m := fitted(t)
	data, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Decode(data, gbdt.Decode)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []*Model{m, again} {
		got := make([]float32, 3*d.Rows)
		m.PredictJoint(got, d.X)
		for k, y := range append([][]float32{d.Y}, others...) {
			one := *d
			one.Y = y
			alone, err := gbdt.Train(context.Background(), &one, learn.Regression, map[string]any{"n_estimators": 4.0, "max_depth": 3.0}, nil)
			if err != nil {
				t.Fatal(err)
			}
			want := make([]float32, d.Rows)
			alone.Predict(want, d.X)
			for i := range want {
				if got[3*i+k] != want[i] {
					t.Fatalf("label %d of row %d is %v, want %v", k, i, got[3*i+k], want[i])
				}
			}
		}
		first := make([]float32, d.Rows)
		m.Predict(first, d.X)
		if first[5] != got[15] || m.Outputs() != 3 || m.Features() != 2 || m.Classes() != 0 {
			t.Errorf("as one model: %v of %d features, %d classes, %d outputs", first[5], m.Features(), m.Classes(), m.Outputs())
		}
	}
}

func TestProgressCountsAll(t *testing.T) {
	d, others := sample()
	var got []string
	_, err := Train(context.Background(), gbdt.Train, d, others, map[string]any{"n_estimators": 2.0}, func(done, total int, _ ...learn.Score) {
		if done%2 == 0 && done/2 > 0 { // the last report of each label
			got = append(got, fmt.Sprintf("%d/%d", done, total))
		}
	})
	if err != nil || !slices.Equal(slices.Compact(got), []string{"2/6", "4/6", "6/6"}) {
		t.Errorf("got %v %v", got, err)
	}
}

func TestErrorsOfTheEngine(t *testing.T) {
	d, others := sample()
	_, err := Train(context.Background(), gbdt.Train, d, others, map[string]any{"no such": 1.0}, nil)
	var param *learn.ParamError
	if !errors.As(err, &param) {
		t.Errorf("got %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	data, err := fitted(f).Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(data[:len(data)-1])
	f.Add([]byte(magic))
	f.Add([]byte(magic + "\x01\x00"))
	f.Add([]byte(magic + "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Decode(data, gbdt.Decode)
		if err != nil {
			return
		}
		out, x := make([]float32, m.Outputs()), make([]float32, m.Features())
		m.PredictJoint(out, x)
		if _, err := m.Encode(); err != nil {
			t.Errorf("decoded, but not encoded: %v", err)
		}
	})
}
