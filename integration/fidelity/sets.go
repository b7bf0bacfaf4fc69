package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/pgowl/pgowl/exec/dataset"
	"github.com/pgowl/pgowl/models/learn"
)

// set is a data set. Its rows are in their own order; part takes some of them.
type set struct {
	name   string
	data   *learn.Dataset
	gaps   bool // some values are missing
	few    bool // no feature has more than maxFew values
	titles bool // headlines: for some settings only
}

// maxFew is the largest number of values of a feature up to which XGBoost's choice of bins does not depend on how its sketch thins out.
const maxFew = 2048

func (s *set) task() learn.Task {
	if s.data.Classes == 0 {
		return learn.Regression
	}
	return learn.Classification
}

// targets are the columns of scikit-learn's sets that are predicted, and the numbers of their classes.
var targets = map[string]struct {
	column  string
	classes int
}{
	"breast_cancer": {"malignant", 2}, "diabetes": {"target", 0}, "digits": {"target", 10}, "iris": {"target", 3}, "linnerud": {"pulse", 0}, "wine": {"target", 3},
}

// allSets are those of scikit-learn, made ones, and the headlines if they are asked for.
func allSets(ctx context.Context, o options) ([]*set, error) {
	var sets []*set
	for _, name := range dataset.Names() {
		s, err := learned(name)
		if err != nil {
			return nil, err
		}
		sets = append(sets, s)
	}
	for _, m := range []struct {
		name    string
		rows    int
		classes int
		steps   float64
		gaps    bool
	}{
		{"steps", 3000, 0, 128, false}, {"gaps", 3000, 0, 128, true}, {"smooth", 3000, 0, 0, false},
		{"steps 2 classes", 3000, 2, 128, false}, {"gaps 2 classes", 3000, 2, 128, true}, {"smooth 2 classes", 3000, 2, 0, false},
		{"steps 3 classes", 3000, 3, 128, false},
	} {
		sets = append(sets, newSet(m.name, synthetic(m.rows, m.classes, m.steps, m.gaps, 17)))
	}
	if o.titles != "" {
		s, err := headlines(ctx, o.titles, o.limit)
		if err != nil {
			return nil, fmt.Errorf("headlines: %w", err)
		}
		sets = append(sets, s)
	}
	return sets, nil
}

// newSet looks at the data for what the settings go by.
func newSet(name string, d *learn.Dataset) *set {
	s := &set{name: name, data: d, few: true}
	for f := range d.Features {
		values := map[float32]bool{}
		for r := range d.Rows {
			if v := d.Row(r)[f]; v != v {
				s.gaps = true
			} else {
				values[v] = true
			}
		}
		s.few = s.few && len(values) <= maxFew
	}
	return s
}

// learned makes a set of one of scikit-learn's. An array counts as many features.
func learned(name string) (*set, error) {
	raw, err := dataset.Open(name)
	if err != nil {
		return nil, err
	}
	target, ok := targets[name]
	if !ok {
		return nil, fmt.Errorf("data set %s: it is not known here what of it is predicted", name)
	}
	d := &learn.Dataset{Rows: len(raw.Rows), Classes: target.classes}
	for _, row := range raw.Rows {
		for i, text := range row {
			values, err := numbers(text)
			if err != nil {
				return nil, fmt.Errorf("data set %s: %w", name, err)
			}
			if raw.Columns[i].Name == target.column {
				d.Y = append(d.Y, values...)
			} else {
				d.X = append(d.X, values...)
			}
		}
	}
	if len(d.Y) != d.Rows {
		return nil, fmt.Errorf("data set %s: %d labels for %d rows", name, len(d.Y), d.Rows)
	}
	d.Features = len(d.X) / d.Rows
	return newSet(name, d), nil
}

// numbers reads a value as Postgres writes it: a number, a truth value, or an array of numbers.
func numbers(text string) ([]float32, error) {
	switch text {
	case "true":
		return []float32{1}, nil
	case "false":
		return []float32{0}, nil
	}
	var out []float32
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("{},", r) }) {
		v, err := strconv.ParseFloat(part, 32)
		if err != nil {
			return nil, err
		}
		out = append(out, float32(v))
	}
	return out, nil
}

// synthetic makes rows of eight features of which some act together, some alone and some not at all. Values are multiples of 1/steps where that is not
// 0. The same arguments make the same rows.
func synthetic(rows, classes int, steps float64, gaps bool, seed uint64) *learn.Dataset {
	d := &learn.Dataset{Rows: rows, Features: 8, Classes: classes}
	dice := rand.New(rand.NewPCG(seed, 8))
	for range rows {
		v := make([]float64, d.Features)
		for f := range v {
			v[f] = dice.Float64()
			if steps > 0 {
				v[f] = math.Floor(v[f]*steps) / steps
			}
		}
		v[4] = math.Floor(v[4]*7) - 3
		y := 3*v[0] - 2*v[1]*v[2] + math.Sin(6*v[3]) + 0.2*v[4] + 0.4*dice.NormFloat64()
		if missing := dice.Float64() < 0.15; gaps && missing {
			v[5] = math.NaN()
			y += 0.5
		}
		switch { // about as many rows a class
		case classes == 2:
			y = math.Floor(min(max(y, 0), 1.9))
		case classes > 2:
			y = math.Floor(min(max(y, 0), float64(classes)-0.1))
		}
		for _, x := range v {
			d.X = append(d.X, float32(x))
		}
		d.Y = append(d.Y, float32(y))
	}
	return d
}

// part deals a set's rows by a seed: a quarter to judge by, the others to learn from. Every class of the set is among the latter.
func (s *set) part(seed int) (fit, held *learn.Dataset) {
	d := s.data
	order := rand.New(rand.NewPCG(uint64(seed), 4)).Perm(d.Rows)
	take := func(rows []int) *learn.Dataset {
		out := &learn.Dataset{Rows: len(rows), Features: d.Features, Classes: d.Classes}
		for _, r := range rows {
			out.X = append(out.X, d.Row(r)...)
			out.Y = append(out.Y, d.Y[r])
		}
		return out
	}
	// The first row of each class is to learn from.
	seen := map[float32]bool{}
	var learnt, rest []int
	for _, r := range order {
		if d.Classes > 0 && !seen[d.Y[r]] {
			seen[d.Y[r]] = true
			learnt = append(learnt, r)
		} else {
			rest = append(rest, r)
		}
	}
	n := d.Rows / 4
	return take(append(learnt, rest[n:]...)), take(rest[:n])
}
