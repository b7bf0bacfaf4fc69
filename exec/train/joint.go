package train

import (
	"slices"
	"strings"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/learn"
)

// parts are the labels after the first one of each part of a data set, by label.
type parts struct {
	train, test [][]float32
}

// setAside takes the label columns of a joint training out, but for the first in the relation's order, which it names. Labels keep that
// order in all that follows.
func setAside(columns []column, label string, more []string) (rest []column, first string, others []column, err error) {
	if len(more) == 0 {
		return columns, label, nil, nil
	}
	names := append([]string{label}, more...)
	found := 0
	for _, c := range columns {
		switch {
		case !slices.Contains(names, c.Name):
			rest = append(rest, c)
			continue
		case found == 0:
			first, rest = c.Name, append(rest, c)
		default:
			others = append(others, c)
		}
		found++
	}
	if found < len(names) {
		for _, name := range names {
			if !slices.ContainsFunc(columns, func(c column) bool { return c.Name == name }) {
				return nil, "", nil, noLabel(name)
			}
		}
	}
	return rest, first, others, nil
}

// join adds the further labels of a joint training.
func (l *labels) join(others []column, task learn.Task) error {
	if len(others) > 0 && task != learn.Regression {
		return function.Errorf("0A000", "pgml.train_joint: a %s has one label; training on several jointly is for regression", task)
	}
	for _, c := range others {
		other, err := newLabels(c, task)
		if err != nil {
			return err
		}
		l.others = append(l.others, other)
	}
	return nil
}

// all are the label and those after it.
func (l *labels) all() []*labels { return append([]*labels{l}, l.others...) }

// count is their number.
func (l *labels) count() int { return 1 + len(l.others) }

// named is the label of that name, nil if there is none.
func (l *labels) named(name string) *labels {
	for _, one := range l.all() {
		if one.Name == name {
			return one
		}
	}
	return nil
}

// list is all labels as the reading statement asks for them.
func (l *labels) list() string {
	var list []string
	for _, one := range l.all() {
		list = append(list, one.sql())
	}
	return strings.Join(list, ", ")
}

// take takes the next row's labels, and gives the rest of it.
func (l *labels) take(row []byte) (rest []byte, err error) {
	_, v, row := field(row)
	if err := l.add(v); err != nil {
		return nil, err
	}
	for _, one := range l.others {
		_, v, row = field(row)
		if err := one.add(v); err != nil {
			return nil, err
		}
	}
	return row, nil
}

// checkAll is check for each label.
func (l *labels) checkAll() error {
	for _, one := range l.all() {
		if err := one.check(); err != nil {
			return err
		}
	}
	return nil
}

// divide puts the further labels into the parts that their rows are in.
func (d *dataset) divide(marked []bool) {
	for _, l := range d.labels.others {
		var train, test []float32
		for i, v := range l.finish() {
			if marked[i] {
				test = append(test, v)
			} else {
				train = append(train, v)
			}
		}
		d.others.train, d.others.test = append(d.others.train, train), append(d.others.test, test)
	}
}

// labelsOf are a label's values in the training part, as engines have them.
func (d *dataset) labelsOf(l *labels) []float32 {
	if i := slices.Index(d.labels.others, l); i >= 0 {
		return d.others.train[i]
	}
	return d.train.Y
}
