// Package bygroup makes one model of many, one for each group of rows that share the value of a feature: a shop, a customer, a country. The feature
// itself is not learned from; it chooses the model. Rows of a group that training has not seen, or has seen too little of, are predicted by a
// model of all rows.
package bygroup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

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
	refused int           // of the training, as why is; not part of the bytes
	why     error
	rows    sync.Pool // of *[]float32: rows of one feature less
}

var _ learn.Model = (*Model)(nil)

// Train fits a model on all rows, and one for each value of a feature that MinRows rows or more have, in a classification of two classes or more. A group
// whose rows the engine refuses, though it takes all of them together, has no model of its own (see Refused). Rows with the value none, or whose value
// is missing (NaN), are of no group.
//
// Progress counts rounds of all fits together, of which there are the same number for each, but each fit's in proportion to its work, so that what is left can be told
// from what is done.
func Train(ctx context.Context, train learn.Trainer, data *learn.Dataset, feature int, none float32, task learn.Task, hyperparams map[string]any, progress learn.Progress) (*Model, error) {
	if feature < 0 || feature >= data.Features || data.Features < 2 {
		return nil, fmt.Errorf("bygroup: feature %d of %d cannot choose the group", feature, data.Features)
	}
	divided, err := divide(ctx, data, feature, none)
	if err != nil {
		return nil, err
	}
	groups := slices.DeleteFunc(divided, func(g group) bool {
		return len(g.rows) < MinRows || task == learn.Classification && !several(data.Y, g.rows)
	})
	if len(groups) > MaxGroups {
		return nil, &TooMany{Groups: len(groups)}
	}
	work := data.Rows + fitRows
	for _, g := range groups {
		work += len(g.rows) + fitRows
	}
	fits, done := len(groups)+1, 0
	fit := func(part *learn.Dataset) (learn.Model, error) {
		own := part.Rows + fitRows
		var report learn.Progress
		if progress != nil {
			report = func(round, total int, _ ...learn.Score) {
				all := float64(fits) * float64(total)
				progress(int(all*(float64(done)+float64(own)*float64(round)/float64(max(total, 1)))/float64(work)), fits*total)
			}
		}
		fitted, err := train(ctx, part, task, hyperparams, report)
		done += own
		return fitted, err
	}
	m := &Model{feature: feature}
	if m.rest, err = fit(without(data, feature, nil)); err != nil {
		return nil, err
	}
	for _, g := range groups {
		one, err := fit(without(data, feature, g.rows))
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			if m.refused++; m.why == nil {
				m.why = err
			}
			continue
		}
		m.keys, m.models = append(m.keys, g.key), append(m.models, one)
	}
	return m, m.check()
}

// fitRows is the number of rows whose work is about that of a fit without any: what it costs to begin.
const fitRows = 256

// group is the rows, in their order, that share a value.
type group struct {
	key  float32
	rows []int32
}

// divide finds the groups, in the order of their values. It takes four bytes a row, of which engines take less than 2^31.
func divide(ctx context.Context, data *learn.Dataset, feature int, none float32) ([]group, error) {
	place := map[float32]int{}
	var groups []group
	var sizes []int
	each := func(do func(row int32, group int)) error {
		for i := range data.Rows {
			if i&0xffff == 0 && ctx.Err() != nil {
				return context.Cause(ctx)
			}
			key := data.X[i*data.Features+feature]
			if key != key || key == none {
				continue
			}
			at, known := place[key]
			if !known {
				at = len(groups)
				place[key] = at
				groups, sizes = append(groups, group{key: key}), append(sizes, 0)
			}
			do(int32(i), at)
		}
		return nil
	}
	if err := each(func(_ int32, at int) { sizes[at]++ }); err != nil {
		return nil, err
	}
	total := 0
	for _, n := range sizes {
		total += n
	}
	rows := make([]int32, total)
	for i, n := range sizes {
		groups[i].rows, rows = rows[:0:n], rows[n:]
	}
	if err := each(func(row int32, at int) { groups[at].rows = append(groups[at].rows, row) }); err != nil {
		return nil, err
	}
	slices.SortFunc(groups, func(a, b group) int { return cmp.Compare(a.key, b.key) })
	return groups, nil
}

// TooMany is the error for more groups than MaxGroups.
type TooMany struct{ Groups int }

// Error implements error.
func (e *TooMany) Error() string {
	return fmt.Sprintf("%d groups are too many, the most is %d", e.Groups, MaxGroups)
}

// several reports whether rows are of two classes or more.
func several(y []float32, rows []int32) bool {
	return slices.ContainsFunc(rows, func(i int32) bool { return y[i] != y[rows[0]] })
}

// without gives some rows of a data set without a feature; all of them, where rows is nil.
func without(d *learn.Dataset, feature int, rows []int32) *learn.Dataset {
	out := *d
	out.Features = d.Features - 1
	if rows == nil {
		out.X = make([]float32, 0, d.Rows*out.Features)
		for i := range d.Rows {
			out.X = drop(out.X, d.Row(i), feature)
		}
	} else {
		out.Rows = len(rows)
		out.X = make([]float32, 0, out.Rows*out.Features)
		for _, i := range rows {
			out.X = drop(out.X, d.Row(int(i)), feature)
		}
		out.Y, out.Weights = learn.Pick(d.Y, rows), learn.Pick(d.Weights, rows)
		out.Queries, out.Upper = learn.Pick(d.Queries, rows), learn.Pick(d.Upper, rows)
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

// Refused is the number of groups that could have had a model of their own, but whose rows the engine refused, and what it said of the first of them. It is known
// of a model that Train has made.
func (m *Model) Refused() (groups int, why error) { return m.refused, m.why }

// Feature is the place of the feature that chooses.
func (m *Model) Feature() int { return m.feature }

// Rest is the model of all rows, which takes one feature less.
func (m *Model) Rest() learn.Model { return m.rest }

// Of is the model that predicts a row, and the row as that one takes it: without the feature that chooses.
func (m *Model) Of(row []float32) (learn.Model, []float32) {
	return m.at(m.place(row)), drop(make([]float32, 0, len(row)-1), row, m.feature)
}

// place is that of the model of a row among those of the groups, and the one behind them for the model of all rows.
func (m *Model) place(row []float32) int {
	if at, found := slices.BinarySearch(m.keys, row[m.feature]); found {
		return at
	}
	return len(m.models)
}

func (m *Model) at(place int) learn.Model {
	if place < len(m.models) {
		return m.models[place]
	}
	return m.rest
}

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

// each has every row's own model compute its width values. Rows of one model are computed together. One row allocates nothing.
func (m *Model) each(dst, x []float32, width int, compute func(of learn.Model, dst, x []float32)) {
	n := m.Features()
	buffer, _ := m.rows.Get().(*[]float32)
	if buffer == nil {
		buffer = new([]float32)
	}
	features := *buffer
	defer func() {
		*buffer = features
		m.rows.Put(buffer)
	}()
	if len(x) == n {
		features = drop(features[:0], x, m.feature)
		compute(m.at(m.place(x)), dst[:width], features)
		return
	}
	rows := map[int][]int{} // by the place of their model
	for i := range len(x) / n {
		at := m.place(x[i*n : (i+1)*n])
		rows[at] = append(rows[at], i)
	}
	var values []float32
	for at, of := range rows {
		features = features[:0]
		for _, i := range of {
			features = drop(features, x[i*n:(i+1)*n], m.feature)
		}
		values = slices.Grow(values[:0], len(of)*width)[:len(of)*width]
		compute(m.at(at), values, features)
		for k, i := range of {
			copy(dst[i*width:(i+1)*width], values[k*width:])
		}
	}
}
