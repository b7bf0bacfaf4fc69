// Package learn holds the types that every training engine shares: the task, the data set and the fitted model.
// The engines import it; the registry in the parent folder imports the engines.
package learn

import (
	"context"
	"fmt"
	"strconv"
)

// Task is what a model is asked to do. The values are PostgresML's enum pgml.task.
type Task string

// The tasks that an engine of ours may train.
const (
	Regression     Task = "regression"
	Classification Task = "classification"
)

// Dataset is a training or test set. X is row-major, Rows x Features, with NaN for a missing value. Y has Rows entries:
// the target of a regression, or the index of the class, 0 to Classes-1. Engines read it and never change it.
type Dataset struct {
	X        []float32
	Y        []float32
	Rows     int
	Features int
	Classes  int // 0 for a regression
	// Categorical tells for each feature whether its values are codes of categories, whole numbers from 0 on, whose order means nothing. nil: none is.
	// An engine that has no use for that takes the codes as numbers.
	Categorical []bool
	// Weights has an entry a row, 0 or more: how many rows it counts as. nil: one each. An engine that has no use for weights refuses them.
	Weights []float32
	// Queries has an entry a row: the number, 0 or more, of the query whose answers the row is among. Rows of a query need not stand together. nil: there are
	// no queries. An engine that ranks nothing refuses them.
	Queries []int32
	// Upper has an entry a row: the upper bound of its label, at least Y and perhaps infinite, Y being the lower one. nil: labels are known. An engine that has no
	// use for bounds refuses them.
	Upper []float32
	// Names has the name of each feature, for hyperparameters that speak of features. nil: they have none, and are numbered from 0.
	Names []string
	// ClassLabels is the text of each class's label, for hyperparameters that name classes. nil: they go by their indexes.
	ClassLabels []string
}

// ClassName is how a client names class k: its label, or its index where there are none.
func (d *Dataset) ClassName(k int) string {
	if k < len(d.ClassLabels) {
		return d.ClassLabels[k]
	}
	return strconv.Itoa(k)
}

// Row returns the features of row i, aliasing X.
func (d *Dataset) Row(i int) []float32 { return d.X[i*d.Features : (i+1)*d.Features] }

// Progress is called now and then during a fit with the rounds done, at first 0 when the data have been prepared, and the rounds in all, and with the metrics of the model so far where the
// engine has them. It may be nil.
type Progress func(done, total int, scores ...Score)

// Score is a metric of a fit that is under way.
type Score struct {
	Name  string // as in hyperparameters: rmse, logloss ...
	Value float64
	// Held says that the value is of rows that the fit does not learn from; else it is of (a sample of) the training rows.
	Held bool
}

// Trainer fits a model. Hyperparams are as a client wrote them (JSON numbers are float64). It returns ctx's cause soon after
// ctx is done, and a *ParamError for a hyperparameter that it does not know or cannot use.
type Trainer func(ctx context.Context, data *Dataset, task Task, hyperparams map[string]any, progress Progress) (Model, error)

// Model is a fitted model. It is immutable and safe for use by several goroutines.
type Model interface {
	// Features is the width of a row.
	Features() int
	// Classes is the number of classes, 0 for a regression.
	Classes() int
	// Predict writes one value a row to dst (len(x) = len(dst) * Features): the regression value, or the class index.
	Predict(dst, x []float32)
	// Probabilities writes Classes values a row to dst. It must not be called on a regression.
	Probabilities(dst, x []float32)
	// Encode returns the engine's own bytes for the model; the engine's Decode reads them back.
	Encode() ([]byte, error)
}

// Explainer is a model that tells what each feature of a row adds to a margin, the sum behind a prediction: the value of a regression before
// its link, log-odds of a class.
type Explainer interface {
	// Margins is the number of margins of a row: one, or one a class. 0: this model has not kept what an explanation needs, as one that an
	// earlier version trained.
	Margins() int
	// Contributions writes, for one row, Features+1 values a margin to dst. The last of them is the bias, what is there without any
	// feature; together they are the margin.
	Contributions(dst []float64, row []float32)
}

// Importance is how much a model uses a feature, as XGBoost's Booster.get_score counts it.
type Importance struct {
	Gain   float64 // mean gain of the splits by the feature
	Cover  float64 // mean sum of second derivatives of the rows at them
	Weight float64 // number of the splits; of a linear model, the coefficient
}

// Ranker is a model that knows the importance of its features.
type Ranker interface {
	// Importance has an entry a feature. nil: this model has not kept it.
	Importance() []Importance
}

// ParamError is a hyperparameter that the algorithm does not know, or whose value it cannot use.
type ParamError struct {
	Name    string
	Value   any
	Reason  string // empty for an unknown name
	Nearest string // for an unknown name: the nearest known one, if there is one
}

// Error implements error.
func (e *ParamError) Error() string {
	if e.Reason != "" {
		return fmt.Sprintf("hyperparameter %q: %s", e.Name, e.Reason)
	}
	return fmt.Sprintf("Unknown hyperparameter %q: %v", e.Name, e.Value)
}
