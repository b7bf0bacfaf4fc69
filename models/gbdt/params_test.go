package gbdt

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/models/learn"
)

func TestParams(t *testing.T) {
	var all map[string]any
	text := `{"eta": 0.2, "gamma": 1, "max_depth": 3, "min_child_weight": 2, "max_delta_step": 1, "subsample": 0.5,
		"colsample_bytree": 0.9, "colsample_bylevel": 0.8, "colsample_bynode": 0.7, "lambda": 2, "alpha": 0.1,
		"tree_method": "gpu_hist", "sketch_eps": 0.03, "scale_pos_weight": 2, "updater": ["grow_histmaker"], "refresh_leaf": true,
		"process_type": "default", "grow_policy": "loss_guide", "predictor": "gpu", "max_leaves": 9, "max_bin": 512,
		"booster": "gbtree", "n_estimators": 20, "eval_metric": ["rmse", "mae"], "objective": "reg:linear", "nthread": 2,
		"random_state": -1, "num_parallel_tree": 2, "sampling_method": "uniform", "base_score": 0.25}`
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		t.Fatal(err)
	}
	p, err := parse(all)
	if err != nil {
		t.Fatal(err)
	}
	if p.eta != .2 || p.rounds != 20 || p.maxBin != 256 || !p.lossGuide || p.objective != "reg:squarederror" || p.seed != 1<<64-1 {
		t.Errorf("%+v", p)
	}
	for alias, name := range aliases {
		if _, ok := setters[name]; !ok || setters[alias] != nil {
			t.Errorf("alias %s of %s", alias, name)
		}
	}
}

func TestParamErrors(t *testing.T) {
	for _, c := range []struct {
		name    string
		value   any
		nearest string // of an unknown name
		reason  string // part of it, otherwise
	}{
		{"learning_rat", .1, "learning_rate", ""},
		{"maxdepth", 3.0, "max_depth", ""},
		{"", 3.0, "", ""},
		{strings.Repeat("x", 1<<20), 3.0, "", ""},
		{"quite something else", 3.0, "", ""},
		{"max_depth", "6", "", "must be an integer"},
		{"max_depth", 2.5, "", "must be an integer"},
		{"max_depth", -1.0, "", "must be 0 or more, not -1"},
		{"n_estimators", 0.0, "", "must be 1 or more"},
		{"n_estimators", 1e300, "", "must be an integer"},
		{"subsample", 0.0, "", "more than 0 and at most 1"},
		{"eta", nil, "", "must be a number"},
		{"eta", []any{.1}, "", "must be a number"},
		{"booster", 7.0, "", "must be a text"},
		{"booster", "rocket", "", "none of"},
		{"objective", "reg:expectileerror", "", "not available yet"},
		{"objective", "reg:square", "", "no objective"},
		{"monotone_constraints", 1.0, "", "must be an array"},
		{"interaction_constraints", "[0,1", "", "array of arrays"},
		{"interaction_constraints", []any{1.0}, "", "array of arrays"},
		{"rate_drop", 1.1, "", "between 0 and 1"},
		{"one_drop", 2.0, "", "true or false"},
		{"sample_type", "even", "", "none of uniform, weighted"},
		{"process_type", "update", "", "an earlier model"},
		{"updater", "refresh", "", "an earlier model"},
		{"updater", []any{"grow_histmaker", "a"}, "", "no updater"},
		{"updater", "shotgun", "", "not for booster gbtree"},
		{"quantile_alpha", []any{.1, .9}, "", "one quantile"},
		{"eval_metric", "rmsee", "", "no metric"},
		{"eval_metric", "ndcg@0", "", "1 or more"},
		{"eval_metric", "map@2.5", "", "whole number"},
		{"eval_metric", "rmse-", "", "no metric"},
		{"eval_metric", "expectile", "", "not available yet"},
		{"lambdarank_pair_method", "top", "", "none of topk, mean"},
		{"lambdarank_num_pair_per_sample", 0.0, "", "1 or more"},
		{"aft_loss_distribution", "weibull", "", "none of normal"},
		{"aft_loss_distribution_scale", 0.0, "", "more than 0"},
		{"eval_metric", []any{"rmse", "error@x"}, "", "no number after @"},
		{"eval_metric", "tweedie-nloglik", "", "variance power"},
		{"eval_metric", "rmse@3", "", "takes no number"},
		{"early_stopping_rounds", 0.0, "", "must be 1 or more"},
		{"validation_fraction", 1.0, "", "less than 1"},
		{"tree_method", 3.0, "", "must be a text"},
		{"enable_categorical", true, "", "of xgboost that is not available yet"},
		{"enable_categorical", "c", "", "true or false"},
		{"max_cat_to_onehot", 4.0, "", "not available yet"},
		{"max_cat_threshold", 4.0, "", "not available yet"},
		{"feature_types", []any{"c"}, "", "not available yet"},
		{"num_target", 2.0, "", "not available yet"},
		{"expectile_alpha", .5, "", "not available yet"},
		{"seed_per_iteration", true, "", "not available yet"},
		{"missing", -1.0, "", "by nullif"},
		{"refresh_leaf", "yes", "", "true or false"},
		{"grow_policy", []any{}, "", "depthwise or lossguide"},
	} {
		_, err := parse(map[string]any{c.name: c.value})
		var pe *learn.ParamError
		if !errors.As(err, &pe) {
			t.Errorf("%.30s = %v: %v, want a ParamError", c.name, c.value, err)
			continue
		}
		if pe.Name != c.name || pe.Nearest != c.nearest || c.reason == "" && pe.Reason != "" || !strings.Contains(pe.Reason, c.reason) {
			t.Errorf("%.30s = %v: %+v", c.name, c.value, pe)
		}
	}
	if _, err := parse(map[string]any{"eta": .1, "learning_rate": .2}); err == nil {
		t.Error("eta twice")
	}
	if _, err := parse(map[string]any{"eta": .1, "learning_rate": .1}); err != nil {
		t.Error(err)
	}
	for _, good := range []map[string]any{
		{"updater": []any{"grow_colmaker", "prune"}},
		{"updater": "grow_quantile_histmaker,refresh"},
		{"booster": "gblinear", "updater": "shotgun", "feature_selector": "shuffle"},
		{"booster": "linear", "updater": []any{"coord_descent"}, "feature_selector": "greedy", "top_k": 3.0},
		{"eval_metric": "rmse,mae"},
		{"quantile_alpha": []any{.5}},
		{"enable_categorical": false, "num_target": 1.0, "missing": nil, "seed_per_iteration": false, "max_cached_hist_node": 100.0, "disable_default_eval_metric": 1.0},
	} {
		if _, err := parse(good); err != nil {
			t.Errorf("%v: %v", good, err)
		}
	}
	for _, bad := range []map[string]any{
		{"booster": "gblinear", "updater": "grow_colmaker"},
		{"booster": "gblinear", "feature_selector": "greedy"},
		{"booster": "gblinear", "updater": []any{"shotgun", "coord_descent"}},
	} {
		var pe *learn.ParamError
		if _, err := parse(bad); !errors.As(err, &pe) {
			t.Errorf("%v: %v, want a ParamError", bad, err)
		}
	}
}

func TestObjectiveFitsTask(t *testing.T) {
	for _, c := range []struct {
		objective string
		classes   int
		base      float64
		ok        bool
	}{
		{"reg:squarederror", 2, -1, false},
		{"multi:softprob", 0, -1, false},
		{"binary:logistic", 3, -1, false},
		{"binary:logistic", 2, 1, false},
		{"binary:logistic", 2, .3, true},
		{"reg:logistic", 2, -1, true},
		{"multi:softmax", 2, -1, true},
		{"binary:logistic", 0, -1, false}, // the labels are beyond 1
		{"reg:gamma", 0, -1, true},
		{"reg:gamma", 0, 0, false},
	} {
		d := noisy(100, 8, c.classes, 0)
		params := map[string]any{"objective": c.objective}
		if c.base >= 0 {
			params["base_score"] = c.base
		}
		_, err := Train(t.Context(), d, taskOf(c.classes), params, nil)
		var pe *learn.ParamError
		if c.ok != (err == nil) || err != nil && !errors.As(err, &pe) {
			t.Errorf("%s with %d classes, base score %v: %v", c.objective, c.classes, c.base, err)
		}
	}
}
