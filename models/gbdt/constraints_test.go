package gbdt

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/models/learn"
)

func TestConstraints(t *testing.T) {
	d := noisy(10, 4, 0, 0)
	d.Names = []string{"age", "price", "f0", "size"}
	for _, c := range []struct {
		monotone, interactions any
		signs                  []int8
		sets                   [][]int32
		reason                 string // part of it
	}{
		{"(1,-1)", nil, []int8{1, -1, 0, 0}, nil, ""},
		{" ( 1, 0, -1, ) ", nil, []int8{1, 0, -1, 0}, nil, ""},
		{"()", "[]", nil, nil, ""},
		{"(0,0)", nil, nil, nil, ""},
		{[]any{0.0, "-1", 1.0}, nil, []int8{0, -1, 1, 0}, nil, ""},
		{map[string]any{"price": -1.0, "3": 1.0, "f0": 1.0}, nil, []int8{0, -1, 1, 1}, nil, ""},
		{nil, "[[0, 1], [3, 2, 3]]", nil, [][]int32{{0, 1}, {2, 3}}, ""},
		{nil, []any{[]any{"size", "age"}, []any{"f1", 2.0}}, nil, [][]int32{{0, 3}, {1, 2}}, ""},
		{"(1,1,1,1,1)", nil, nil, nil, "5 entries for 4 features"},
		{"(2)", nil, nil, nil, "1, 0 or -1"},
		{"(a)", nil, nil, nil, "1, 0 or -1"},
		{[]any{nil}, nil, nil, nil, "1, 0 or -1"},
		{map[string]any{"cost": 1.0}, nil, nil, nil, `no feature "cost"`},
		{map[string]any{"4": 1.0}, nil, nil, nil, `no feature "4"`},
		{nil, "[[4]]", nil, nil, "no feature 4 of 4"},
		{nil, "[[0.5]]", nil, nil, "no feature 0.5"},
		{nil, "[[null]]", nil, nil, "a number or a name"},
	} {
		in := map[string]any{}
		if c.monotone != nil {
			in["monotone_constraints"] = c.monotone
		}
		if c.interactions != nil {
			in["interaction_constraints"] = c.interactions
		}
		p, err := parse(in)
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.constrain(d)
		var pe *learn.ParamError
		switch {
		case c.reason != "":
			if !errors.As(err, &pe) || !strings.Contains(pe.Reason, c.reason) {
				t.Errorf("%v: %v, want %q", in, err, c.reason)
			}
		case err != nil || !slices.Equal(got.signs, c.signs) || !reflect.DeepEqual(got.sets, c.sets):
			t.Errorf("%v: %+v, %v", in, got, err)
		}
	}
}

// With a constraint the prediction never goes the other way, whatever the other features are.
func TestMonotone(t *testing.T) {
	d := noisy(3000, 4, 0, 0)
	for r := range d.Y { // against the constraint, and noisy
		d.Y[r] = -d.Row(r)[0] + d.Row(r)[1]*d.Row(r)[2] + float32(unit(draw(8, uint64(r))))
	}
	m := fit(t, d, map[string]any{"monotone_constraints": "(1,1,-1)", "n_estimators": 20.0})
	for r := range 200 {
		row := slices.Clone(d.Row(r))
		for f, sign := range []float32{1, 1, -1} {
			last := float32(0)
			for step := range 20 {
				x := slices.Clone(row)
				x[f] = float32(step) / 20
				now := outputs(m, x)[0]
				if step > 0 && (now-last)*sign < 0 {
					t.Fatalf("row %d, feature %d: %v after %v", r, f, now, last)
				}
				last = now
			}
		}
	}
}

// Features that no set holds together are on no path together.
func TestInteractions(t *testing.T) {
	m := fit(t, noisy(3000, 5, 0, 0), map[string]any{"interaction_constraints": "[[0,1],[1,2],[3]]", "colsample_bynode": .9}).(*Model)
	together := map[int]bool{1: true, 2: true, 4: true, 8: true, 16: true, 3: true, 6: true}
	for _, tr := range m.trees {
		var walk func(n int32, path int)
		walk = func(n int32, path int) {
			if tr.nodes[n].feature == leaf {
				return
			}
			path |= 1 << tr.nodes[n].feature
			if !together[path] {
				t.Fatalf("features %b on one path", path)
			}
			walk(tr.nodes[n].left, path)
			walk(tr.nodes[n].left+1, path)
		}
		walk(0, 0)
	}
}
