// Package joint makes one model of several regressions that share their features: one for each label of pgml.train_joint. Every engine predicts one
// value a row, so each label has a model of its own, fitted with the same hyperparameters, as scikit-learn's MultiOutputRegressor does.
package joint

import (
	"context"
	"errors"
	"fmt"

	"github.com/pgowl/pgowl/models/learn"
)

// MaxOutputs bounds the labels of a model: a table of Postgres has no more columns.
const MaxOutputs = 1600

// Model is several models in one. As a learn.Model it is the first of them.
type Model struct {
	outputs []learn.Model // two or more, of the same features, without classes
}

var _ learn.Model = (*Model)(nil)

// Train fits a model for data.Y and one for each of the others, which hold a label a row, too. Progress counts the rounds of all together.
func Train(ctx context.Context, train learn.Trainer, data *learn.Dataset, others [][]float32, hyperparams map[string]any, progress learn.Progress) (*Model, error) {
	labels := append([][]float32{data.Y}, others...)
	m := &Model{}
	for k, y := range labels {
		one := *data
		one.Y = y
		var report learn.Progress
		if progress != nil {
			report = func(done, total int, scores ...learn.Score) { progress(k*total+done, len(labels)*total, scores...) }
		}
		fitted, err := train(ctx, &one, learn.Regression, hyperparams, report)
		if err != nil {
			return nil, err
		}
		m.outputs = append(m.outputs, fitted)
	}
	return m, m.check()
}

// check refuses what is not several regressions of the same rows.
func (m *Model) check() error {
	if len(m.outputs) < 2 || len(m.outputs) > MaxOutputs {
		return fmt.Errorf("joint: a model of %d outputs", len(m.outputs))
	}
	for _, o := range m.outputs {
		if o.Classes() != 0 {
			return errors.New("joint: an output is a classification")
		}
		if o.Features() != m.outputs[0].Features() {
			return fmt.Errorf("joint: one output takes %d features, another %d", m.outputs[0].Features(), o.Features())
		}
	}
	return nil
}

// Outputs is the number of labels.
func (m *Model) Outputs() int { return len(m.outputs) }

// Output is the model of one label.
func (m *Model) Output(k int) learn.Model { return m.outputs[k] }

// PredictJoint writes Outputs values a row to dst, row by row (len(x) = rows * Features).
func (m *Model) PredictJoint(dst, x []float32) {
	n := len(m.outputs)
	one := make([]float32, len(dst)/n)
	for k, o := range m.outputs {
		o.Predict(one, x)
		for i, v := range one {
			dst[i*n+k] = v
		}
	}
}

// Features implements learn.Model.
func (m *Model) Features() int { return m.outputs[0].Features() }

// Classes implements learn.Model.
func (m *Model) Classes() int { return 0 }

// Predict implements learn.Model: the first label's values.
func (m *Model) Predict(dst, x []float32) { m.outputs[0].Predict(dst, x) }

// Probabilities implements learn.Model; a regression has none.
func (m *Model) Probabilities(dst, x []float32) { m.outputs[0].Probabilities(dst, x) }
