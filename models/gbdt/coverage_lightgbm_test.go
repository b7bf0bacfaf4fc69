package gbdt

import (
	"maps"
	"slices"
	"testing"
)

// ignored are the parameters that LightGBM has and that change nothing here, with the reason.
var ignored = map[string]string{
	"num_threads":         "models are the same for any number of threads (TestBoostThreads)",
	"tree_learner":        "there is one machine: only serial is taken",
	"device_type":         "all is computed on the CPU, to the same result",
	"verbosity":           "what LightGBM prints",
	"silent":              "what LightGBM printed",
	"importance_type":     "pgml.importance gives all kinds",
	"deterministic":       "fits always are",
	"force_col_wise":      "how LightGBM lays out histograms",
	"force_row_wise":      "how LightGBM lays out histograms",
	"is_enable_sparse":    "how LightGBM stores bins",
	"enable_bundle":       "how LightGBM stores bins: bundles of features that exclude each other give the same trees",
	"two_round":           "how LightGBM reads files",
	"pre_partition":       "there is one machine",
	"histogram_pool_size": "memory for histograms, which is bounded anyway",
	"top_k":               "of tree_learner voting",
	"objective_seed":      "of objective rank_xendcg, which is not here",
}

// refused are the parameters of which only the value that changes nothing is taken, if any.
var refused = []string{
	"reg_sqrt", "use_missing", "zero_as_missing", "class_weight", "feature_contri", "forcedsplits_filename", "max_bin_by_feature", "cegb_tradeoff",
	"cegb_penalty_split", "bagging_by_query", "monotone_constraints_method",
}

// TestLightGBMCoverage: every parameter is compared with LightGBM in golden_lightgbm.json, or is known to change nothing. That it changes something where it is
// compared, golden_lightgbm.py has made sure.
func TestLightGBMCoverage(t *testing.T) {
	compared := map[string]bool{}
	objectives := map[string]bool{"regression": true, "binary": true, "multiclass": true}
	for _, c := range lightCases(t) {
		for name, v := range c.Params {
			compared[name] = true
			if objective, ok := v.(string); ok && name == "objective" {
				objectives[objective] = true
			}
		}
	}
	compared["num_class"] = true // see golden_lightgbm.py: it is that of the labels
	for _, name := range slices.Sorted(maps.Keys(lightTable.setters)) {
		_, skip := ignored[name]
		no := slices.Contains(refused, name)
		switch {
		case !compared[name] && !skip && !no:
			t.Errorf("%s is not compared with LightGBM", name)
		case compared[name] && (skip || no):
			t.Errorf("%s is compared with LightGBM, and listed as doing nothing", name)
		case no:
			p := lightDefaults()
			if lightTable.setters[name](&p, []any{"x"}) == "" {
				t.Errorf("%s is taken, and listed as refused", name)
			}
		}
	}
	for _, name := range slices.AppendSeq(slices.Clone(refused), maps.Keys(ignored)) {
		if lightTable.setters[name] == nil {
			t.Errorf("%s is listed, and no parameter", name)
		}
	}
	for _, name := range slices.Sorted(maps.Values(lightObjectives)) {
		if !objectives[name] {
			t.Errorf("objective %s is not compared with LightGBM", name)
		}
	}
}
