package linear

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/pgowl/pgowl/models/crew"
	"github.com/pgowl/pgowl/models/learn"
)

var _ learn.Trainer = Train

// Train fits least squares for a regression and logistic regression for a classification. It is a learn.Trainer; the hyperparameters are those of
// scikit-learn's LinearRegression and LogisticRegression, and those of the same estimators in PostgresML's rust runtime. It takes no missing
// or infinite feature.
func Train(ctx context.Context, data *learn.Dataset, task learn.Task, hyperparams map[string]any, progress learn.Progress) (learn.Model, error) {
	var squares *squaresParams
	var classes *logisticParams
	var err error
	threads := 0
	switch task {
	case learn.Regression:
		if squares, err = parseSquares(hyperparams); err == nil {
			threads = squares.threads
		}
	case learn.Classification:
		if classes, err = parseLogistic(hyperparams); err == nil {
			threads = classes.threads
		}
	default:
		err = fmt.Errorf("linear: task %q is neither regression nor classification", task)
	}
	if err != nil {
		return nil, err
	}
	if err := valid(data, task); err != nil {
		return nil, fmt.Errorf("linear: %w", err)
	}
	if err := data.Uses(learn.Weights); err != nil {
		return nil, err
	}
	c, release := crew.New(ctx, threads)
	defer release()
	if err := c.Err(); err != nil {
		return nil, err
	}
	var m *Model
	if task == learn.Regression {
		m, err = leastSquares(c, data, squares)
	} else {
		m, err = logistic(c, data, classes, progress)
	}
	if err != nil { // not a learn.Model of nil
		return nil, err
	}
	return m, nil
}

// valid checks what would otherwise end in a panic or in a model of NaN.
func valid(d *learn.Dataset, task learn.Task) error {
	switch {
	case d == nil || d.Rows <= 0 || d.Features <= 0:
		return errors.New("the data set has no rows or no features")
	case d.Features > maxFeatures || d.Classes > maxClasses || max(1, d.Classes)*d.Features > maxWeights:
		return fmt.Errorf("a data set of %d features and %d classes is too large", d.Features, d.Classes)
	case len(d.X) != d.Rows*d.Features || len(d.Y) != d.Rows:
		return fmt.Errorf("%d values and %d labels do not make %d rows of %d features", len(d.X), len(d.Y), d.Rows, d.Features)
	case task == learn.Classification && d.Classes < 2:
		return fmt.Errorf("a classification needs two classes or more, and there are %d", d.Classes)
	}
	for i, y := range d.Y {
		if math.IsNaN(float64(y)) || math.IsInf(float64(y), 0) {
			return fmt.Errorf("the label of row %d is %v", i+1, y)
		}
		if task == learn.Classification && (y < 0 || y >= float32(d.Classes) || y != float32(int(y))) {
			return fmt.Errorf("the label of row %d is %v, not a class of 0 to %d", i+1, y, d.Classes-1)
		}
	}
	return d.CheckWeights()
}
