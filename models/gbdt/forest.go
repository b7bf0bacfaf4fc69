package gbdt

import (
	"context"

	"github.com/pgowl/pgowl/models/learn"
)

var _ learn.Trainer = TrainRandomForest

// forestDefaults are those of XGBoost's random forest: trees side by side in one round, each of some rows and columns.
func forestDefaults() params {
	p := defaults()
	p.rounds, p.eta, p.subsample, p.colNode, p.lambda = 100, 1, .8, .8, 1e-5
	return p
}

// TrainRandomForest fits a random forest by XGBoost's rules (its XGBRFRegressor and XGBRFClassifier). It is a learn.Trainer; the hyperparameters are XGBoost's,
// n_estimators being the number of trees. Two classes default to binary:logistic.
func TrainRandomForest(ctx context.Context, data *learn.Dataset, task learn.Task, hyperparams map[string]any, progress learn.Progress) (learn.Model, error) {
	p, err := parseFrom(forestDefaults(), hyperparams)
	if err != nil {
		return nil, err
	}
	if _, given := hyperparams["num_parallel_tree"]; given {
		return nil, &learn.ParamError{Name: "num_parallel_tree", Value: p.parallelTrees, Reason: "the number of trees is n_estimators"}
	}
	if p.rounds > maxParallelTrees {
		return nil, &learn.ParamError{Name: "n_estimators", Value: p.rounds, Reason: "must be 100000 or less"}
	}
	p.parallelTrees, p.rounds = p.rounds, 1
	if p.objective == "" && task == learn.Classification && data != nil && data.Classes == 2 {
		p.objective = "binary:logistic"
	}
	return p.train(ctx, data, task, progress)
}
