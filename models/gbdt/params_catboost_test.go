package gbdt

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// catIgnored are the hyperparameters that change nothing here, and why; those that are refused are in catRefused.
var catIgnored = map[string]string{
	"thread_count": "the model is the same for any number", "task_type": "there is one kind of processor", "devices": "there is one kind of processor",
	"used_ram_limit": "a hint", "verbose": "says what is printed", "silent": "says what is printed", "logging_level": "says what is printed",
	"metric_period": "says what is printed", "train_dir": "no files are written", "allow_writing_files": "no files are written", "name": "a name",
	"custom_metric": "is printed alone", "custom_loss": "is printed alone", "random_seed": "every case that draws has one",
	"model_size_reg": "weighs combinations of categories alone, of which there are none",
}

// catRefused are the hyperparameters of which only the value that changes nothing is taken, with one that is not.
var catRefused = map[string]any{
	"boosting_type": "Ordered", "feature_border_type": "Uniform", "sampling_frequency": "PerTreeLevel", "od_pval": .5,
	"langevin": true, "posterior_sampling": true, "simple_ctr": "Borders", "combinations_ctr": "Borders",
	"text_features": []any{0.}, "embedding_features": []any{0.}, "feature_weights": []any{1.}, "per_float_feature_quantization": "0:border_count=5",
	"ignored_features": []any{0.}, "penalties_coefficient": 2., "approx_on_full_history": true,
}

// Every parameter has a case that CatBoost was run with, is told to change nothing, or is refused as not available yet.
func TestCatBoostCoverage(t *testing.T) {
	used := map[string]bool{}
	for _, c := range readCatGolden(t).Cases {
		for name := range c.Params {
			used[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(catTable.setters)) {
		_, ignored := catIgnored[name]
		value, refused := catRefused[name]
		if n := b2i(used[name]) + b2i(ignored) + b2i(refused); n != 1 {
			t.Errorf("%s: %d of these: golden case, ignored, refused; want one", name, n)
		}
		if !refused {
			continue
		}
		p := catDefaults()
		if _, err := catTable.read(&p, map[string]any{name: value}); err == nil || !strings.HasSuffix(err.Error(), "not available yet") {
			t.Errorf("%s: %v: %v", name, value, err)
		}
	}
	for _, list := range []map[string]any{{"grow_policy": "Depthwise", "max_leaves": 5.}, {"early_stopping_rounds": 5., "od_wait": 3.}, {"class_weights": []any{1., 2., 3.}},
		{"class_weights": []any{1., 2.}, "scale_pos_weight": 2.}, {"class_weights": map[string]any{"7": 1.}}, {"loss_function": "Quantile:alpha=2"}, {"loss_function": "Lq"},
		{"loss_function": "Huber:d=1"}, {"leaf_estimation_method": "Exact"}, {"monotone_constraints": []any{2., 0.}}, {"monotone_constraints": []any{1.}, "grow_policy": "Lossguide"}, {"eval_metric": "NDCG", "od_wait": 3.}, {"eval_metric": "MAE", "od_wait": 3.}, {"bootstrap_type": "Bayesian", "subsample": .5}} {
		_, err := TrainCatBoost(t.Context(), noisy(50, 2, 2, 0), taskOf(2), list, nil)
		if err == nil || !strings.Contains(err.Error(), "hyperparameter") {
			t.Errorf("%v: %v", list, err)
		}
	}
}

// The losses of CatBoost that are not here say so, each by its name.
func TestCatBoostLosses(t *testing.T) {
	golden := map[string]bool{"RMSE": true, "Logloss": true, "MultiClass": true} // by default
	for _, c := range readCatGolden(t).Cases {
		if s, ok := c.Params["loss_function"].(string); ok {
			name, _, _ := strings.Cut(s, ":")
			golden[name] = true
		}
	}
	for name := range catLossRules {
		if !golden[name] {
			t.Errorf("%s has no golden case", name)
		}
	}
	for name := range laterCatLosses {
		p := catDefaults()
		if reason := setCatLoss(&p, name+":a=1"); !strings.Contains(reason, name) {
			t.Errorf("%s: %q", name, reason)
		}
	}
}
