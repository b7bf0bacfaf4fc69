package bygroup

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/pgowl/pgowl/models"
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
				var rows, of []int32
				for i := range d.Rows {
					if d.Row(i)[1] == key {
						of = append(of, int32(i))
					}
					rows = append(rows, int32(i))
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
				for k, row := range of {
					i := int(row)
					if !slices.Equal(got[i*width:(i+1)*width], want[k*width:(k+1)*width]) {
						t.Fatalf("row %d of group %v is %v, want %v", i, key, got[i*width:(i+1)*width], want[k*width:(k+1)*width])
					}
				}
			}
			one, row := make([]float32, width), d.Row(1)
			compute(m, one, row)
			if !slices.Equal(one, got[width:2*width]) {
				t.Errorf("alone row 1 is %v, among others %v", one, got[width:2*width])
			}
			if n := testing.AllocsPerRun(100, func() { m.each(one, row, width, compute) }); n > 0 && !raceDetector {
				t.Errorf("a row allocates %v times", n)
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

// TestRefusedGroups: what the engine does not take alone is predicted by the model of all rows, unless training is to stop.
func TestRefusedGroups(t *testing.T) {
	refuse := errors.New("not these")
	ctx, stop := context.WithCancelCause(context.Background())
	picky := func(ctx context.Context, d *learn.Dataset, task learn.Task, hyperparams map[string]any, progress learn.Progress) (learn.Model, error) {
		if d.Rows < 150 && d.Y[0] >= 70 { // group 5's
			if hyperparams["stop"] != nil {
				stop(context.Canceled)
			}
			return nil, refuse
		}
		return gbdt.Train(ctx, d, task, nil, progress)
	}
	m, err := Train(ctx, picky, sample(0), 1, nan, learn.Regression, nil, nil)
	if err != nil || m.Groups() != 2 {
		t.Fatal(m, err)
	}
	if n, why := m.Refused(); n != 1 || why != refuse {
		t.Errorf("%d are refused: %v", n, why)
	}
	got, want := make([]float32, 1), make([]float32, 1)
	m.Predict(got, []float32{3, 5, 1})
	m.Rest().Predict(want, []float32{3, 1})
	if got[0] != want[0] {
		t.Errorf("a group without a model is %v, want %v", got, want)
	}
	if _, err := Train(ctx, picky, sample(0), 1, nan, learn.Regression, map[string]any{"stop": true}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
}

// TestProgress: it never goes back, ends at its end, and the model of all rows, which is about half of the work, is about half of it.
func TestProgress(t *testing.T) {
	d := &learn.Dataset{Features: 2}
	for i := range 200 * 1000 {
		d.X = append(d.X, float32(i%200), float32(i/200%17))
		d.Y = append(d.Y, float32(i/200%17))
	}
	d.Rows = len(d.Y)
	var last, calls, first int
	progress := func(done, total int, _ ...learn.Score) {
		if done < last || done > total || total != 201*10 {
			t.Fatalf("round %d of %d after %d", done, total, last)
		}
		last = done
		if calls++; calls == 1+10 { // 0 to 10 of the model of all rows
			first = done
		}
	}
	steps := func(ctx context.Context, d *learn.Dataset, task learn.Task, hyperparams map[string]any, progress learn.Progress) (learn.Model, error) {
		for i := range 11 {
			progress(i, 10)
		}
		return gbdt.Train(ctx, d, task, map[string]any{"n_estimators": 1.0, "max_depth": 1.0}, nil)
	}
	if _, err := Train(context.Background(), steps, d, 0, nan, learn.Regression, nil, progress); err != nil {
		t.Fatal(err)
	}
	if last != 2010 || first < 750 || first > 1005 {
		t.Errorf("it ends at %d, the model of all rows at %d", last, first)
	}
}

// TestClassesThatAGroupDoesNotHave: their probabilities are there, and small.
func TestClassesThatAGroupDoesNotHave(t *testing.T) {
	d := &learn.Dataset{Features: 2, Classes: 4, ClassLabels: []string{"a", "b", "c", "d"}}
	for i := range 400 {
		group := i % 2
		d.X = append(d.X, float32(group), float32(i/2%10))
		class := 2 * group // 0 and 1, or 2 and 3
		if i/2%10 > 4 {
			class++
		}
		d.Y = append(d.Y, float32(class))
	}
	d.Rows = len(d.Y)
	for _, c := range []struct {
		algorithm   string
		hyperparams map[string]any
	}{
		{"xgboost", nil}, {"xgboost", map[string]any{"booster": "gblinear"}}, {"xgboost_random_forest", nil}, {"lightgbm", map[string]any{"n_estimators": 20.0}},
		{"catboost", map[string]any{"iterations": 50.0}}, {"gradient_boosting_trees", map[string]any{"n_estimators": 20.0}}, {"hist_gradient_boosting", map[string]any{"max_iter": 20.0}}, {"linear", nil}, {"linear", map[string]any{"class_weight": "balanced"}},
		{"linear", map[string]any{"multi_class": "ovr"}}, {"linear", map[string]any{"penalty": "l1", "solver": "saga"}},
		{"linear", map[string]any{"multi_class": "ovr", "class_weight": "balanced"}},
		{"xgboost", map[string]any{"early_stopping_rounds": 3.0, "eval_metric": "auc"}},
	} {
		trainer, err := models.Trainer(c.algorithm, learn.Classification)
		if err != nil {
			t.Fatal(err)
		}
		m, err := Train(context.Background(), trainer, d, 0, nan, learn.Classification, c.hyperparams, nil)
		if err != nil {
			t.Errorf("%s %v: %v", c.algorithm, c.hyperparams, err)
			continue
		}
		if n, why := m.Refused(); n > 0 {
			t.Errorf("%s %v: %d are refused: %v", c.algorithm, c.hyperparams, n, why)
		}
		predicted, probabilities := make([]float32, d.Rows), make([]float32, d.Rows*4)
		m.Predict(predicted, d.X)
		m.Probabilities(probabilities, d.X)
		wrong := 0
		for i, p := range predicted {
			if p != d.Y[i] {
				wrong++
			}
			row := probabilities[4*i : 4*i+4]
			sum := float64(row[0] + row[1] + row[2] + row[3])
			other := 2 - 2*(i%2)
			if !(math.Abs(sum-1) < 1e-5) || !(row[other] < .25 && row[other+1] < .25) {
				t.Fatalf("%s %v: row %d has the probabilities %v", c.algorithm, c.hyperparams, i, row)
			}
		}
		if wrong > 40 {
			t.Errorf("%s %v: %d of %d are wrong", c.algorithm, c.hyperparams, wrong, d.Rows)
		}
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
