// Package bygroup makes one model of many, one for each group of rows that share the value of a feature: a shop, a customer, a country. The feature
// itself is not learned from; it chooses the model. Rows of a group that training has not seen, or has seen too little of, are predicted by a
// model of all rows.
package bygroup

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/pgowl/pgowl/models/learn"
)

// MaxGroups bounds the groups of a model.
const MaxGroups = 10_000

// MinRows is the least number of rows that a group gets a model of its own for.
const MinRows = 10

// Model is the models of the groups, and the one of all rows.
type Model struct {
	feature int           // that chooses
	keys    []float32     // the groups' values of it, ascending
	models  []learn.Model // by group, of one feature less
	rest    learn.Model   // likewise
}

var _ learn.Model = (*Model)(nil)

// Train fits a model on all rows, and one for each value of a feature that MinRows rows or more have, in a classification of two classes or more. Progress
// counts the rounds of all together, of which there are the same number for each. Rows with the value none, or whose value is missing (NaN), are of no
// group.
func Train(ctx context.Context, train learn.Trainer, data *learn.Dataset, feature int, none float32, task learn.Task, hyperparams map[string]any, progress learn.Progress) (*Model, error) {
	if feature < 0 || feature >= data.Features || data.Features < 2 {
		return nil, fmt.Errorf("bygroup: feature %d of %d cannot choose the group", feature, data.Features)
	}
	rows := map[float32][]int{}
	for i := range data.Rows {
		if key := data.Row(i)[feature]; key == key && key != none {
			rows[key] = append(rows[key], i)
		}
	}
	m := &Model{feature: feature}
	for key, of := range rows {
		if len(of) >= MinRows && (task != learn.Classification || several(data.Y, of)) {
			m.keys = append(m.keys, key)
		}
	}
	if len(m.keys) > MaxGroups {
		return nil, &TooMany{Groups: len(m.keys)}
	}
	slices.Sort(m.keys)
	fits, done := len(m.keys)+1, 0
	fit := func(of []int) (learn.Model, error) {
		var report learn.Progress
		if progress != nil {
			report = func(round, total int, _ ...learn.Score) { progress(done*total+round, fits*total) }
		}
		fitted, err := train(ctx, without(data, feature, of), task, hyperparams, report)
		done++
		return fitted, err
	}
	all := make([]int, data.Rows)
	for i := range all {
		all[i] = i
	}
	var err error
	if m.rest, err = fit(all); err != nil {
		return nil, err
	}
	for _, key := range m.keys {
		one, err := fit(rows[key])
		if err != nil {
			return nil, err
		}
		m.models = append(m.models, one)
	}
	return m, m.check()
}

// TooMany is the error for more groups than MaxGroups.
type TooMany struct{ Groups int }

// Error implements error.
func (e *TooMany) Error() string {
	return fmt.Sprintf("%d groups are too many, the most is %d", e.Groups, MaxGroups)
}

// several reports whether rows are of two classes or more.
func several(y []float32, rows []int) bool {
	return slices.ContainsFunc(rows, func(i int) bool { return y[i] != y[rows[0]] })
}

// without gives some rows of a data set without a feature.
func without(d *learn.Dataset, feature int, rows []int) *learn.Dataset {
	out := *d
	out.Rows, out.Features = len(rows), d.Features-1
	out.X, out.Y, out.Weights = make([]float32, 0, out.Rows*out.Features), make([]float32, 0, out.Rows), nil
	for _, i := range rows {
		out.X = drop(out.X, d.Row(i), feature)
		out.Y = append(out.Y, d.Y[i])
		if d.Weights != nil {
			out.Weights = append(out.Weights, d.Weights[i])
		}
	}
	if d.Categorical != nil {
		out.Categorical = slices.Delete(slices.Clone(d.Categorical), feature, feature+1)
	}
	if d.Names != nil {
		out.Names = slices.Delete(slices.Clone(d.Names), feature, feature+1)
	}
	return &out
}

// drop appends a row without a feature.
func drop(dst, row []float32, feature int) []float32 {
	return append(append(dst, row[:feature]...), row[feature+1:]...)
}

// check refuses what is not models of the same rows.
func (m *Model) check() error {
	if len(m.keys) != len(m.models) || len(m.keys) > MaxGroups {
		return fmt.Errorf("bygroup: %d groups with %d models", len(m.keys), len(m.models))
	}
	if m.feature < 0 || m.feature > m.rest.Features() {
		return fmt.Errorf("bygroup: feature %d of %d", m.feature, m.Features())
	}
	for i, one := range m.models {
		if one.Features() != m.rest.Features() || one.Classes() != m.rest.Classes() {
			return errors.New("bygroup: the models are of different features or classes")
		}
		if math.IsNaN(float64(m.keys[i])) || i > 0 && m.keys[i] <= m.keys[i-1] {
			return errors.New("bygroup: the groups are not in order")
		}
	}
	return nil
}

// Groups is the number of groups with a model of their own.
func (m *Model) Groups() int { return len(m.keys) }

// Features implements learn.Model; the one that chooses counts, too.
func (m *Model) Features() int { return m.rest.Features() + 1 }

// Classes implements learn.Model.
func (m *Model) Classes() int { return m.rest.Classes() }

// Predict implements learn.Model.
func (m *Model) Predict(dst, x []float32) { m.each(dst, x, 1, learn.Model.Predict) }

// Probabilities implements learn.Model.
func (m *Model) Probabilities(dst, x []float32) {
	m.each(dst, x, m.Classes(), learn.Model.Probabilities)
}

// each has every row's own model compute its width values. Rows of one model are computed together.
func (m *Model) each(dst, x []float32, width int, compute func(of learn.Model, dst, x []float32)) {
	n := m.Features()
	rows := map[int][]int{} // by model, the last of them rest
	for i := range len(x) / n {
		at, found := slices.BinarySearch(m.keys, x[i*n+m.feature])
		if !found {
			at = len(m.models)
		}
		rows[at] = append(rows[at], i)
	}
	var features, values []float32
	for at, of := range rows {
		features = features[:0]
		for _, i := range of {
			features = drop(features, x[i*n:(i+1)*n], m.feature)
		}
		values = slices.Grow(values[:0], len(of)*width)[:len(of)*width]
		model := m.rest
		if at < len(m.models) {
			model = m.models[at]
		}
		compute(model, values, features)
		for k, i := range of {
			copy(dst[i*width:(i+1)*width], values[k*width:])
		}
	}
}
