package gbdt

import (
	"math"
	"strconv"
	"strings"

	"github.com/pgowl/pgowl/models/param"
)

// lightParams are LightGBM's hyperparameters that XGBoost has not, or has with another meaning.
type lightParams struct {
	objective  string // one of lightObjectives, "" is the task's default
	boosting   string // gbdt, rf, dart
	goss       bool
	rules      leafRules
	top, other float64 // of goss
	positive   float64 // pos_bagging_fraction
	negative   float64
	sketch     int                 // bin_construct_sample_cnt
	seeded     bool                // seed is given
	given      []func(*lightSeeds) // seeds that are
	dart       lightDropout
	linear     bool    // linear_tree
	ridge      float64 // linear_lambda
	quantize   bool    // use_quantized_grad
	quant      quantized
	preFilter  bool    // feature_pre_filter
	penalty    float64 // monotone_penalty
	freq       int     // bagging_freq
	fraction   float64 // bagging_fraction
	nodeShare  float64 // feature_fraction_bynode
	share      float64 // feature_fraction
	minInBin   int
	unbalanced bool
	sigmoid    float64
	fromMean   bool
	alpha      float64 // of huber and quantile
	fairC      float64
	step       float64 // poisson_max_delta_step
	classes    int     // num_class, 0 is not given
	patience   int     // early_stopping_round
	leastGain  float64 // early_stopping_min_delta
	metrics    []string
	unmeasured bool  // metric none
	firstOnly  bool  // first_metric_only
	categories []int // categorical_feature
}

func lightDefaults() params {
	p := params{rounds: 100, eta: .1, maxLeaves: 31, lossGuide: true, colTree: 1, colLevel: 1, colNode: 1, subsample: 1, scalePosWeight: 1, maxBin: 255,
		parallelTrees: 1, tweediePower: 1.5}
	p.light = lightParams{
		boosting: "gbdt",
		rules: leafRules{minData: 20, minHessian: 1e-3, maxDepth: -1,
			cat: catRules{smooth: 10, l2: 10, maxThreshold: 32, maxOneHot: 4, minGroup: 100}},
		preFilter: true, top: .2, other: .1, negative: 1, positive: 1, sketch: 200_000, dart: lightDropout{rate: .1, skip: .5, most: 50}, quant: quantized{bins: 4, stochastic: true},
		fraction: 1, nodeShare: 1, share: 1, minInBin: 3, sigmoid: 1, fromMean: true, alpha: .9, fairC: 1, step: .7,
	}
	return p
}

var lightAliases = map[string]string{
	"objective_type": "objective", "app": "objective", "application": "objective", "loss": "objective",
	"boosting_type": "boosting", "boost": "boosting",
	"num_iteration": "num_iterations", "n_iter": "num_iterations", "num_tree": "num_iterations", "num_trees": "num_iterations",
	"num_round": "num_iterations", "num_rounds": "num_iterations", "nrounds": "num_iterations", "num_boost_round": "num_iterations",
	"n_estimators": "num_iterations", "max_iter": "num_iterations",
	"shrinkage_rate": "learning_rate", "eta": "learning_rate",
	"num_leaf": "num_leaves", "max_leaves": "num_leaves", "max_leaf": "num_leaves", "max_leaf_nodes": "num_leaves",
	"tree": "tree_learner", "tree_type": "tree_learner", "tree_learner_type": "tree_learner",
	"num_thread": "num_threads", "nthread": "num_threads", "nthreads": "num_threads", "n_jobs": "num_threads",
	"device": "device_type", "random_seed": "seed", "random_state": "seed", "hist_pool_size": "histogram_pool_size",
	"min_data_per_leaf": "min_data_in_leaf", "min_data": "min_data_in_leaf", "min_child_samples": "min_data_in_leaf", "min_samples_leaf": "min_data_in_leaf",
	"min_sum_hessian_per_leaf": "min_sum_hessian_in_leaf", "min_sum_hessian": "min_sum_hessian_in_leaf", "min_hessian": "min_sum_hessian_in_leaf",
	"min_child_weight": "min_sum_hessian_in_leaf",
	"sub_row":          "bagging_fraction", "subsample": "bagging_fraction", "bagging": "bagging_fraction",
	"pos_sub_row": "pos_bagging_fraction", "pos_subsample": "pos_bagging_fraction", "pos_bagging": "pos_bagging_fraction",
	"neg_sub_row": "neg_bagging_fraction", "neg_subsample": "neg_bagging_fraction", "neg_bagging": "neg_bagging_fraction",
	"subsample_freq": "bagging_freq", "bagging_fraction_seed": "bagging_seed",
	"sub_feature": "feature_fraction", "colsample_bytree": "feature_fraction",
	"sub_feature_bynode": "feature_fraction_bynode", "colsample_bynode": "feature_fraction_bynode", "extra_tree": "extra_trees",
	"early_stopping_rounds": "early_stopping_round", "early_stopping": "early_stopping_round", "n_iter_no_change": "early_stopping_round",
	"max_tree_output": "max_delta_step", "max_leaf_output": "max_delta_step",
	"reg_alpha": "lambda_l1", "l1_regularization": "lambda_l1",
	"reg_lambda": "lambda_l2", "lambda": "lambda_l2", "l2_regularization": "lambda_l2",
	"min_split_gain": "min_gain_to_split", "rate_drop": "drop_rate", "topk": "top_k",
	"mc": "monotone_constraints", "monotone_constraint": "monotone_constraints", "monotonic_cst": "monotone_constraints",
	"monotone_constraining_method": "monotone_constraints_method", "mc_method": "monotone_constraints_method",
	"monotone_splits_penalty": "monotone_penalty", "ms_penalty": "monotone_penalty", "mc_penalty": "monotone_penalty",
	"feature_contrib": "feature_contri", "fc": "feature_contri", "fp": "feature_contri", "feature_penalty": "feature_contri",
	"fs": "forcedsplits_filename", "forced_splits_filename": "forcedsplits_filename", "forced_splits_file": "forcedsplits_filename",
	"forced_splits": "forcedsplits_filename", "verbose": "verbosity", "linear_trees": "linear_tree", "max_bins": "max_bin",
	"subsample_for_bin": "bin_construct_sample_cnt", "data_seed": "data_random_seed",
	"is_sparse": "is_enable_sparse", "enable_sparse": "is_enable_sparse", "sparse": "is_enable_sparse",
	"is_enable_bundle": "enable_bundle", "bundle": "enable_bundle",
	"cat_feature": "categorical_feature", "categorical_column": "categorical_feature", "cat_column": "categorical_feature",
	"categorical_features": "categorical_feature",
	"num_classes":          "num_class", "unbalance": "is_unbalance", "unbalanced_sets": "is_unbalance",
	"metrics": "metric", "metric_types": "metric",
}

// lightTable is what LightGBM takes. Those that change nothing here are checked for their values.
var lightTable = table{aliases: lightAliases, setters: map[string]setter{
	"objective":               setLightObjective,
	"boosting":                setBoosting,
	"data_sample_strategy":    setSampleStrategy,
	"num_iterations":          integer(func(p *params, n int) { p.rounds = n }, 1, maxRounds),
	"learning_rate":           number(func(p *params, x float64) { p.eta = x }, param.Above(0)),
	"num_leaves":              integer(func(p *params, n int) { p.maxLeaves = n }, 2, 131072),
	"num_threads":             integer(func(p *params, n int) { p.threads = n }, -1, maxThreads),
	"seed":                    integer(func(p *params, n int) { p.seed, p.light.seeded = uint64(n), true }, math.MinInt64, math.MaxInt64),
	"max_depth":               integer(func(p *params, n int) { p.light.rules.maxDepth = n }, -1<<31, maxTreeDepth),
	"min_data_in_leaf":        integer(func(p *params, n int) { p.light.rules.minData = n }, 0, math.MaxInt32),
	"min_sum_hessian_in_leaf": number(func(p *params, x float64) { p.light.rules.minHessian = x }, param.AtLeast(0)),
	"bagging_fraction":        number(func(p *params, x float64) { p.light.fraction = x }, fraction),
	"pos_bagging_fraction":    number(func(p *params, x float64) { p.light.positive = x }, fraction),
	"neg_bagging_fraction":    number(func(p *params, x float64) { p.light.negative = x }, fraction),
	"bagging_freq":            integer(func(p *params, n int) { p.light.freq = max(n, 0) }, math.MinInt32, math.MaxInt32),
	"feature_fraction":        number(func(p *params, x float64) { p.light.share = x }, fraction),
	"feature_pre_filter":      truth(func(p *params, b bool) { p.light.preFilter = b }),
	"feature_fraction_bynode": number(func(p *params, x float64) { p.light.nodeShare = x }, fraction),
	"extra_trees":             truth(func(p *params, b bool) { p.light.rules.random = b }),
	"early_stopping_round":    integer(func(p *params, n int) { p.light.patience = n }, math.MinInt32, math.MaxInt32),
	"early_stopping_min_delta": number(func(p *params, x float64) { p.light.leastGain = x },
		param.AtLeast(0)),
	"max_delta_step":         number(func(p *params, x float64) { p.light.rules.maxStep = x }, nil),
	"lambda_l1":              number(func(p *params, x float64) { p.light.rules.l1 = x }, param.AtLeast(0)),
	"lambda_l2":              number(func(p *params, x float64) { p.light.rules.l2 = x }, param.AtLeast(0)),
	"min_gain_to_split":      number(func(p *params, x float64) { p.light.rules.minGain = x }, param.AtLeast(0)),
	"top_rate":               number(func(p *params, x float64) { p.light.top = x }, share01),
	"other_rate":             number(func(p *params, x float64) { p.light.other = x }, share01),
	"min_data_per_group":     integer(func(p *params, n int) { p.light.rules.cat.minGroup = n }, 1, math.MaxInt32),
	"max_cat_threshold":      integer(func(p *params, n int) { p.light.rules.cat.maxThreshold = n }, 1, math.MaxInt32),
	"cat_l2":                 number(func(p *params, x float64) { p.light.rules.cat.l2 = x }, param.AtLeast(0)),
	"cat_smooth":             number(func(p *params, x float64) { p.light.rules.cat.smooth = x }, param.AtLeast(0)),
	"max_cat_to_onehot":      integer(func(p *params, n int) { p.light.rules.cat.maxOneHot = n }, 1, math.MaxInt32),
	"path_smooth":            number(func(p *params, x float64) { p.light.rules.smooth = x }, param.AtLeast(0)),
	"max_bin":                integer(func(p *params, n int) { p.maxBin = n }, 2, math.MaxInt32),
	"min_data_in_bin":        integer(func(p *params, n int) { p.light.minInBin = n }, 1, math.MaxInt32),
	"categorical_feature":    setFeatureNumbers(func(p *params, f []int) { p.light.categories = f }),
	"num_class":              integer(func(p *params, n int) { p.light.classes = n }, 1, maxClasses),
	"is_unbalance":           truth(func(p *params, b bool) { p.light.unbalanced = b }),
	"scale_pos_weight":       number(func(p *params, x float64) { p.scalePosWeight = x }, param.Above(0)),
	"sigmoid":                number(func(p *params, x float64) { p.light.sigmoid = x }, param.Above(0)),
	"boost_from_average":     truth(func(p *params, b bool) { p.light.fromMean = b }),
	"alpha":                  number(func(p *params, x float64) { p.light.alpha = x }, param.Above(0)),
	"fair_c":                 number(func(p *params, x float64) { p.light.fairC = x }, param.Above(0)),
	"poisson_max_delta_step": number(func(p *params, x float64) { p.light.step = x }, param.Above(0)),
	"tweedie_variance_power": number(func(p *params, x float64) { p.tweediePower = x }, between12),
	"metric":                 setLightMetric,
	"first_metric_only":      truth(func(p *params, b bool) { p.light.firstOnly = b }),

	"bin_construct_sample_cnt":    integer(func(p *params, n int) { p.light.sketch = n }, 1, math.MaxInt32),
	"monotone_constraints":        setMonotone,
	"monotone_penalty":            number(func(p *params, x float64) { p.light.penalty = x }, param.AtLeast(0)),
	"monotone_constraints_method": texts([]string{"basic"}, []string{"intermediate", "advanced"}),
	"interaction_constraints":     setLightInteractions,
	"drop_rate":                   number(func(p *params, x float64) { p.light.dart.rate = x }, share01),
	"skip_drop":                   number(func(p *params, x float64) { p.light.dart.skip = x }, share01),
	"max_drop":                    integer(func(p *params, n int) { p.light.dart.most = n }, math.MinInt32, math.MaxInt32),
	"uniform_drop":                truth(func(p *params, b bool) { p.light.dart.uniform = b }),
	"xgboost_dart_mode":           truth(func(p *params, b bool) { p.light.dart.xgboost = b }),
	"linear_tree":                 truth(func(p *params, b bool) { p.light.linear = b }),
	"linear_lambda":               number(func(p *params, x float64) { p.light.ridge = x }, param.AtLeast(0)),
	"use_quantized_grad":          truth(func(p *params, b bool) { p.light.quantize = b }),
	"num_grad_quant_bins":         integer(func(p *params, n int) { p.light.quant.bins = n }, 2, math.MaxInt8),
	"quant_train_renew_leaf":      truth(func(p *params, b bool) { p.light.quant.renew = b }),
	"stochastic_rounding":         truth(func(p *params, b bool) { p.light.quant.stochastic = b }),

	// how LightGBM computes, or what it prints
	"tree_learner": texts([]string{"serial"}, []string{"feature", "data", "voting"}),
	"device_type":  texts([]string{"cpu", "gpu", "cuda"}, nil),
	"verbosity":    integer(func(*params, int) {}, math.MinInt32, math.MaxInt32),
	"silent":       boolean, "importance_type": texts([]string{"split", "gain"}, nil),
	"deterministic": boolean, "force_col_wise": boolean, "force_row_wise": boolean, "is_enable_sparse": boolean, "enable_bundle": boolean,
	"two_round": boolean, "pre_partition": boolean,
	"histogram_pool_size": number(func(*params, float64) {}, nil),
	"top_k":               integer(func(*params, int) {}, 1, math.MaxInt32),
	"bagging_seed":        oneSeed(func(s *lightSeeds) *uint32 { return &s.bagging }), "feature_fraction_seed": oneSeed(func(s *lightSeeds) *uint32 { return &s.features }),
	"extra_seed": oneSeed(func(s *lightSeeds) *uint32 { return &s.extra }), "data_random_seed": oneSeed(func(s *lightSeeds) *uint32 { return &s.data }),
	"drop_seed": oneSeed(func(s *lightSeeds) *uint32 { return &s.drop }), "objective_seed": oneSeed(func(*lightSeeds) *uint32 { return new(uint32) }),

	"reg_sqrt": only(false), "use_missing": only(true), "zero_as_missing": only(false),
	"class_weight": only(nil), "feature_contri": only(nil), "forcedsplits_filename": only(""), "max_bin_by_feature": only(nil),
	"cegb_tradeoff": unavailable, "cegb_penalty_split": unavailable, "bagging_by_query": only(false),
}}

// setFeatureNumbers takes the numbers of features, as a list or as a text with commas. "auto" and "from_dtype" name none: the data say what they are.
func setFeatureNumbers(set func(*params, []int)) setter {
	return func(p *params, v any) string {
		const reason = "must be a list of the numbers of features, from 0 on"
		var list []any
		switch x := v.(type) {
		case []any:
			list = x
		case string:
			if x == "auto" || x == "from_dtype" || x == "" {
				return ""
			}
			for part := range strings.SplitSeq(x, ",") {
				n, err := strconv.Atoi(strings.TrimSpace(part))
				if err != nil {
					return reason
				}
				list = append(list, n)
			}
		default:
			list = []any{v}
		}
		var features []int
		for _, e := range list {
			x, ok := param.Number(e)
			if !ok || x != math.Trunc(x) || x < 0 || x >= maxFeatures {
				return reason
			}
			features = append(features, int(x))
		}
		set(p, features)
		return ""
	}
}

// unavailable stands for what a library has and this engine does not.
func unavailable(*params, any) string { return "not available yet" }
