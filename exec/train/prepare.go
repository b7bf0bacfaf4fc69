package train

import (
	"context"
	"errors"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/preprocess"
)

// prepare makes the two parts of a data set from what was read: it encodes texts, imputes and scales, all by what the training
// part says. y holds the labels of all rows, as engines want them.
//
// There is one copy of the data, beside the parts that are being made of it: what a text column needs is found by going over its
// codes, and a column of numbers is changed where it lies.
func (d *decoder) prepare(ctx context.Context, data *dataset, marked []bool, y []float32) error {
	before := make([]int, len(d.features)) // where each column stands in a row that was read
	values := make([][]float32, len(d.features))
	width := 0
	for i := range d.features {
		f := &d.features[i]
		before[i] = f.offset
		if f.text() {
			var err error
			if values[i], err = d.encode(f, marked, y); err != nil {
				return err
			}
			f.width = f.fitted.Width()
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
		}
		f.offset = width
		width += f.width
		if width > maxWidth {
			return function.Errorf("54000", "pgml.train: a row has more than %d features", maxWidth)
		}
	}
	if err := d.check(); err != nil {
		return err
	}
	if width*d.x.rows > maxValues {
		return tooMany()
	}
	var put func(dst, row []float32)
	if slices.ContainsFunc(d.features, func(f feature) bool { return f.text() }) {
		put = func(dst, row []float32) {
			for i := range d.features {
				f := &d.features[i]
				to := dst[f.offset : f.offset+f.width]
				if f.text() {
					f.fitted.Put(to, values[i][int(row[before[i]])])
				} else {
					copy(to, row[before[i]:])
				}
			}
		}
	}
	data.train.Features, data.test.Features = width, width
	data.test.X, data.train.X = d.x.part(marked, data.test.Rows, width, put)
	if err := d.fit(ctx, data); err != nil {
		return err
	}
	data.train.Categorical = nominal(d.features, width)
	data.test.Categorical = data.train.Categorical
	return nil
}

// encode fits a text column to the training part, and gives the encoded value of each of its codes: NaN for texts that the
// training part does not have.
func (d *decoder) encode(f *feature, marked []bool, y []float32) ([]float32, error) {
	place := make([]int32, len(f.texts.texts)) // of a code among the categories of the training part, from 1
	var categories []string
	var members []int
	var sums []float64
	labels := d.labels.numbersOf(y)
	for i, test := range marked {
		if test {
			continue
		}
		code := int(d.x.row(i)[f.offset])
		if place[code] == 0 {
			categories, members, sums = append(categories, f.texts.texts[code]), append(members, 0), append(sums, 0)
			place[code] = int32(len(categories))
		}
		members[place[code]-1]++
		sums[place[code]-1] += float64(labels(i))
	}
	for i := range sums {
		sums[i] /= float64(members[i])
	}
	var err error
	if f.fitted, err = preprocess.FitText(f.options, categories, sums); err != nil {
		var unlisted *preprocess.UnlistedError
		if errors.As(err, &unlisted) {
			return nil, function.Errorf("XX000", "%v", unlisted)
		}
		return nil, misuse(f.Name, err)
	}
	index := f.fitted.Index()
	values := make([]float32, len(f.texts.texts))
	for code, text := range f.texts.texts {
		v, ok := index[text]
		if !ok {
			if f.options.Encode == preprocess.Ordinal {
				return nil, function.Errorf("XX000", "%v", &preprocess.UnlistedError{Value: text, List: f.options.List})
			}
			v = nan
		}
		values[code] = v
	}
	column := make([]float32, 0, len(marked))
	for i, test := range marked {
		v := values[int(d.x.row(i)[f.offset])]
		if !test {
			column = append(column, v)
		} else if v != v {
			f.missing++
		}
	}
	f.statistics = describe(column, 1, 0, 1)
	f.statistics.Categories = categoriesOf(f.fitted, categories, members)
	f.texts = dictionary{} // which may be large
	if err := f.fitted.Fit(f.options, f.statistics.summary()); err != nil {
		return nil, misuse(f.Name, err)
	}
	return values, nil
}

// fit fits all columns of numbers, several at a time: they have nothing to do with each other. The error is that of the first column that has one.
func (d *decoder) fit(ctx context.Context, data *dataset) error {
	errs := make([]error, len(d.features))
	var next atomic.Int32
	var wait sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(d.features)) {
		wait.Go(func() {
			var room sortRoom
			for i := int(next.Add(1)) - 1; i < len(d.features) && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if f := &d.features[i]; !f.text() {
					errs[i] = f.fit(data, &room)
				}
			}
		})
	}
	wait.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// fit fits a column of numbers to the training part, and changes both parts.
func (f *feature) fit(data *dataset, room *sortRoom) error {
	f.statistics = room.describe(data.train.X, data.train.Features, f.offset, f.width)
	if err := f.fitted.Fit(f.options, f.statistics.summary()); err != nil {
		return misuse(f.Name, err)
	}
	if f.fitted.Plain() {
		return nil
	}
	for _, part := range []struct {
		x    []float32
		rows int
	}{{data.train.X, data.train.Rows}, {data.test.X, data.test.Rows}} {
		for i := range part.rows {
			row := part.x[i*data.train.Features+f.offset:][:f.width]
			for j := range row {
				f.fitted.Put(row[j:j+1], row[j])
			}
		}
	}
	for _, s := range []float64{float64(f.fitted.Shift), float64(f.fitted.Span)} {
		if math.IsInf(s, 0) {
			return misuse(f.Name, errors.New("its values are too large to be scaled"))
		}
	}
	return nil
}

// nominal marks the features that are codes of categories; nil where none is.
func nominal(fs []feature, width int) []bool {
	var marks []bool
	for i := range fs {
		if f := &fs[i]; f.fitted.Nominal() {
			if marks == nil {
				marks = make([]bool, width)
			}
			marks[f.offset] = true
		}
	}
	return marks
}

// misuse is PostgresML's error for a preprocessor that does not fit its column.
func misuse(column string, why error) *function.Error {
	e := function.Errorf("XX000", "Error initializing preprocessor for column: %q.", column)
	e.Detail = why.Error()
	return e
}
