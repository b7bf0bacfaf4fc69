package main

import (
	"slices"

	"github.com/pgowl/pgowl/models/learn"
)

// strictness says when the library's arithmetic allows to compare row by row. Where it does not, because something is drawn at random or is counted in
// another way, the metrics are compared.
type strictness int

const (
	byMetrics strictness = iota
	byRows
	// byRowsOfFew: row by row where no feature has more than maxFew values, so that both choose among the same splits.
	byRowsOfFew
)

// setting is one set of hyperparameters of an algorithm.
type setting struct {
	algorithm string
	task      learn.Task
	params    map[string]any // for both sides
	theirs    map[string]any // for the library alone: what has no meaning here, as the way to an optimum that is the same
	strict    strictness
	draws     bool // at random, from the seed
	classes   int  // 2: for two classes only
	titles    bool // for the headlines, too, which are for these alone
}

// noGaps are the algorithms whose libraries refuse missing values.
var noGaps = []string{"linear", "gradient_boosting_trees"}

// seedNames are the hyperparameters that the random state goes by; the others draw nothing.
var seedNames = map[string]string{
	"xgboost": "seed", "xgboost_random_forest": "random_state", "lightgbm": "seed", "catboost": "random_seed", "gradient_boosting_trees": "random_state",
	"hist_gradient_boosting": "random_state",
}

type params = map[string]any

// newton makes scikit-learn go on to the optimum, where ours stops, too.
var newton = params{"solver": "newton-cholesky"}

// noDraws keeps CatBoost from drawing anything.
func noDraws(more params) params {
	p := params{"bootstrap_type": "No", "random_strength": 0, "iterations": 60, "depth": 4, "border_count": 127}
	for k, v := range more {
		p[k] = v
	}
	return p
}

var settings = slices.Concat(
	each(learn.Regression,
		setting{algorithm: "linear", strict: byRows},
		setting{algorithm: "linear", params: params{"fit_intercept": false}, strict: byRows},
		setting{algorithm: "linear", params: params{"positive": true}, strict: byRows},
	),
	each(learn.Classification,
		setting{algorithm: "linear", params: params{"tol": 1e-10, "max_iter": 10000}, theirs: newton, strict: byRows, titles: true},
		setting{algorithm: "linear", params: params{"tol": 1e-10, "max_iter": 10000, "C": 0.1}, theirs: newton, strict: byRows},
		setting{algorithm: "linear", params: params{"tol": 1e-10, "max_iter": 10000, "class_weight": "balanced"}, theirs: newton, strict: byRows},
	),
	each(learn.Regression,
		setting{algorithm: "xgboost", strict: byRowsOfFew},
		setting{algorithm: "xgboost", params: params{"n_estimators": 60, "eta": 0.1, "max_depth": 4, "lambda": 3, "alpha": 0.5, "gamma": 0.2}, strict: byRowsOfFew},
		setting{algorithm: "xgboost", params: params{"n_estimators": 30, "grow_policy": "lossguide", "max_leaves": 12, "max_depth": 0}, strict: byRowsOfFew},
		setting{algorithm: "xgboost", params: params{"n_estimators": 60, "eta": 0.1, "subsample": 0.7, "colsample_bytree": 0.7}, draws: true},
	),
	each(learn.Classification,
		setting{algorithm: "xgboost", strict: byRowsOfFew, titles: true},
		setting{algorithm: "xgboost", params: params{"objective": "binary:logistic", "n_estimators": 60, "max_depth": 4, "eta": 0.1}, classes: 2, strict: byRowsOfFew},
		setting{algorithm: "xgboost", params: params{"n_estimators": 30, "min_child_weight": 3, "lambda": 3}, strict: byRowsOfFew},
		setting{algorithm: "xgboost", params: params{"n_estimators": 60, "eta": 0.1, "subsample": 0.7, "colsample_bytree": 0.7}, draws: true},
		setting{algorithm: "xgboost", params: params{"n_estimators": 60}, titles: true},
	),
	both(
		setting{algorithm: "xgboost_random_forest", draws: true},
		setting{algorithm: "xgboost_random_forest", params: params{"n_estimators": 30, "max_depth": 4, "subsample": 0.6}, draws: true},
		setting{algorithm: "lightgbm", params: params{"num_iterations": 60}, strict: byRows, titles: true},
		setting{algorithm: "lightgbm", params: params{"num_iterations": 40, "num_leaves": 15, "max_depth": 4, "min_data_in_leaf": 5, "lambda_l1": 0.5, "lambda_l2": 3, "max_bin": 63}, strict: byRows},
		setting{algorithm: "lightgbm", params: params{"num_iterations": 60, "bagging_fraction": 0.7, "bagging_freq": 1, "feature_fraction": 0.8}, strict: byRows},
		setting{algorithm: "lightgbm", params: params{"num_iterations": 40, "extra_trees": true}, strict: byRows},
		setting{algorithm: "catboost", params: noDraws(nil), strict: byRows},
		setting{algorithm: "catboost", params: noDraws(params{"learning_rate": 0.1, "l2_leaf_reg": 1}), strict: byRows},
		setting{algorithm: "catboost", params: params{"iterations": 100}, titles: true, draws: true},
		setting{algorithm: "catboost", params: params{"iterations": 100, "depth": 4, "bootstrap_type": "Bernoulli", "subsample": 0.7}, draws: true},
		// scikit-learn tries the features in an order that it draws; so the first of splits that gain the same is never the same.
		setting{algorithm: "gradient_boosting_trees"},
		setting{algorithm: "gradient_boosting_trees", params: params{"n_estimators": 60, "subsample": 0.7, "max_features": 0.7}, draws: true},
		setting{algorithm: "hist_gradient_boosting", params: params{"max_iter": 60}},
		setting{algorithm: "hist_gradient_boosting", params: params{"max_iter": 60, "max_depth": 4, "l2_regularization": 1, "min_samples_leaf": 5}},
	),
)

// each gives settings a task.
func each(task learn.Task, list ...setting) []setting {
	for i := range list {
		list[i].task = task
	}
	return list
}

// both gives each setting of a list both tasks, the settings of an algorithm staying together by task.
func both(list ...setting) []setting {
	return append(each(learn.Regression, slices.Clone(list)...), each(learn.Classification, slices.Clone(list)...)...)
}
