package gbdt

import (
	"errors"
	"math"
	"reflect"
	"testing"
)

func TestForestRoundTrip(t *testing.T) {
	for name, m := range models(t) {
		again, err := FromForest(m.Forest())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		// The order of nodes is that of the codec.
		decoded, err := Decode(encode(t, m))
		if err != nil || !reflect.DeepEqual(again, decoded) {
			t.Errorf("%s: another model after a round trip, %v", name, err)
		}
	}
}

func TestFromForestErrors(t *testing.T) {
	stump := func(change func(f *Forest, p []Point)) *Forest {
		p := []Point{{Feature: 0, Left: 2, Right: 1}, {Feature: -1, Value: 1}, {Feature: -1, Value: 2}}
		f := &Forest{Objective: "reg:squarederror", Features: 2, Margins: 1, Parallel: 1, Trees: [][]Point{p}}
		if change != nil {
			change(f, p)
		}
		return f
	}
	m, err := FromForest(stump(nil))
	if err != nil || m.trees[0].value([]float32{-1, 0}) != 2 || m.trees[0].value([]float32{1, 0}) != 1 {
		t.Errorf("a stump: %v", err)
	}
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for name, change := range map[string]func(f *Forest, p []Point){
		"objective":    func(f *Forest, p []Point) { f.Objective = "reg:nothing" },
		"no features":  func(f *Forest, p []Point) { f.Features = 0 },
		"features":     func(f *Forest, p []Point) { f.Features = maxFeatures + 1 },
		"margins":      func(f *Forest, p []Point) { f.Margins = 2 },
		"no margins":   func(f *Forest, p []Point) { f.Margins = 0 },
		"no parallel":  func(f *Forest, p []Point) { f.Parallel = 0 },
		"parallel":     func(f *Forest, p []Point) { f.Parallel = 2 },
		"classes":      func(f *Forest, p []Point) { f.Classes = 2 },
		"classes < 0":  func(f *Forest, p []Point) { f.Classes = -1 },
		"base":         func(f *Forest, p []Point) { f.Base = inf },
		"empty":        func(f *Forest, p []Point) { f.Trees[0] = nil },
		"itself":       func(f *Forest, p []Point) { p[0].Left = 0 },
		"twice":        func(f *Forest, p []Point) { p[0].Left = 1 },
		"beyond":       func(f *Forest, p []Point) { p[0].Left = 3 },
		"before":       func(f *Forest, p []Point) { p[0].Right = -1 },
		"feature":      func(f *Forest, p []Point) { p[0].Feature = 2 },
		"feature < -1": func(f *Forest, p []Point) { p[0].Feature = -2 },
		"threshold":    func(f *Forest, p []Point) { p[0].Value = nan },
		"leaf":         func(f *Forest, p []Point) { p[2].Value = inf },
	} {
		if _, err := FromForest(stump(change)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A cycle that the root does not lead to is no part of the tree.
	if _, err := FromForest(stump(func(f *Forest, p []Point) { f.Trees[0] = append(p, Point{Left: 3, Right: 3}) })); err != nil {
		t.Errorf("a node that nothing leads to: %v", err)
	}
}

// Statistics that not all have, or that cannot be, are dropped.
func TestForestStatistics(t *testing.T) {
	m := fit(t, noisy(60, 3, 0, 0), nil).(*Model)
	for name, change := range map[string]func(p *Point){
		"unknown":       func(p *Point) { p.Known = false },
		"cover below 0": func(p *Point) { p.Cover = -1 },
		"endless gain":  func(p *Point) { p.Gain = float32(math.Inf(1)) },
	} {
		f := m.Forest()
		f.ByRows = true
		change(&f.Trees[3][1])
		again, err := FromForest(f)
		if err != nil || again.statistics() || again.byRows {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What a node knows has to be known to Forest and FromForest, too, or models would be exported without it.
func TestForestKnowsAllOfANode(t *testing.T) {
	if n := reflect.TypeFor[node]().NumField(); n != 5 {
		t.Errorf("a node has %d fields, and Point knows of 5", n)
	}
}
