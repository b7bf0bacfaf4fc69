// Package models knows which engine trains an algorithm and reads its models. It holds no engine itself: each is a folder
// below, and one line in the table here.
package models

import (
	"fmt"

	"github.com/pgowl/pgowl/models/gbdt"
	"github.com/pgowl/pgowl/models/learn"
	"github.com/pgowl/pgowl/models/linear"
)

// engine is what an algorithm needs here.
type engine struct {
	train  map[learn.Task]learn.Trainer
	decode func(data []byte) (learn.Model, error)
}

// engines are the algorithms that are built, by PostgresML's name.
var engines = map[string]engine{
	"linear": {
		train:  map[learn.Task]learn.Trainer{learn.Regression: linear.Train, learn.Classification: linear.Train},
		decode: linear.Decode,
	},
	"catboost":                trees(gbdt.TrainCatBoost),
	"gradient_boosting_trees": trees(gbdt.TrainGradientBoosting),
	"hist_gradient_boosting":  trees(gbdt.TrainHistGradientBoosting),
	"lightgbm":                trees(gbdt.TrainLightGBM),
	"xgboost_random_forest":   trees(gbdt.TrainRandomForest),
	"xgboost": {
		train:  map[learn.Task]learn.Trainer{learn.Regression: gbdt.Train, learn.Classification: gbdt.Train},
		decode: gbdt.Decode,
	},
}

// trees is an algorithm of package gbdt, for both tasks.
func trees(train learn.Trainer) engine {
	return engine{train: map[learn.Task]learn.Trainer{learn.Regression: train, learn.Classification: train}, decode: gbdt.Decode}
}

// NotAvailable is an algorithm that PostgresML has for the task, and that is not built yet.
type NotAvailable struct {
	Algorithm string
	Task      learn.Task
}

func (e *NotAvailable) Error() string {
	return fmt.Sprintf("%s for %s is not available yet", e.Algorithm, e.Task)
}

// Unsupported is a combination that PostgresML refuses too, or an algorithm that it does not know.
type Unsupported struct {
	Algorithm string
	Task      learn.Task
}

func (e *Unsupported) Error() string {
	return fmt.Sprintf("%s does not support %s", e.Algorithm, e.Task)
}

// Trainer returns the engine for an algorithm, named as in the enum pgml.algorithm. Its errors are *Unsupported and
// *NotAvailable.
func Trainer(algorithm string, task learn.Task) (learn.Trainer, error) {
	if t, ok := engines[algorithm].train[task]; ok {
		return t, nil
	}
	if !offered(algorithm, task) {
		return nil, &Unsupported{algorithm, task}
	}
	return nil, &NotAvailable{algorithm, task}
}

// Decode reads the bytes that a model of the algorithm was encoded to. It takes any bytes. An algorithm without an engine is
// a *NotAvailable or *Unsupported with the task "prediction".
func Decode(algorithm string, data []byte) (learn.Model, error) {
	e, ok := engines[algorithm]
	switch {
	case ok:
		return e.decode(data)
	case tasks[algorithm] != 0:
		return nil, &NotAvailable{Algorithm: algorithm, Task: "prediction"}
	}
	return nil, &Unsupported{Algorithm: algorithm, Task: "prediction"}
}
