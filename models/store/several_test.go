package store

import (
	"context"
	"reflect"
	"testing"

	"github.com/pgowl/pgowl/models/bygroup"
	"github.com/pgowl/pgowl/models/gbdt"
	"github.com/pgowl/pgowl/models/joint"
	"github.com/pgowl/pgowl/models/learn"
)

// several trains models that are made of several: of two labels, and of groups.
func several(tb testing.TB) (headers []Header, models []learn.Model) {
	tb.Helper()
	d := &learn.Dataset{Rows: 60, Features: 2}
	second := make([]float32, d.Rows)
	for i := range d.Rows {
		d.X = append(d.X, float32(i), float32(i%2))
		d.Y = append(d.Y, float32(i%7))
		second[i] = float32(i)
	}
	hyperparams := map[string]any{"n_estimators": 2.0, "max_depth": 2.0}
	h := Header{Algorithm: "xgboost", Task: learn.Regression, Features: []Feature{{Name: "a", Type: "int4", Width: 1}, {Name: "b", Type: "int4", Width: 1}},
		Label: Label{Column: "y", Kind: Float}, Hyperparams: hyperparams}
	j, err := joint.Train(context.Background(), gbdt.Train, d, [][]float32{second}, hyperparams, nil)
	if err != nil {
		tb.Fatal(err)
	}
	g, err := bygroup.Train(context.Background(), gbdt.Train, d, 1, -1, learn.Regression, hyperparams, nil)
	if err != nil {
		tb.Fatal(err)
	}
	one, two := h, h
	one.Targets, two.Group = []string{"z"}, "b"
	return []Header{one, two}, []learn.Model{j, g}
}

func TestModelsOfSeveral(t *testing.T) {
	headers, models := several(t)
	for i, h := range headers {
		file, err := Encode(h, models[i])
		if err != nil {
			t.Fatal(err)
		}
		again, m, err := Decode(file)
		if err != nil || !reflect.DeepEqual(again, h) || reflect.TypeOf(m) != reflect.TypeOf(models[i]) {
			t.Errorf("got %+v %T %v", again, m, err)
		}
		for k := range headers {
			if k == i {
				continue
			}
			if _, err := Encode(headers[k], models[i]); err == nil {
				t.Errorf("%T with the header of %T was encoded", models[i], models[k])
			}
		}
		plain := h
		plain.Targets, plain.Group = nil, ""
		if _, err := Encode(plain, models[i]); err == nil {
			t.Errorf("%T as a plain model was encoded", models[i])
		}
	}
	h, m := sample(t)
	h.Targets = []string{"z"}
	if _, err := Encode(h, m); err == nil {
		t.Error("a classification of two labels was encoded")
	}
}
