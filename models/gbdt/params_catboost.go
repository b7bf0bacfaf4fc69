package gbdt

import (
	"math"

	"github.com/pgowl/pgowl/models/param"
)

// catParams are CatBoost's hyperparameters that XGBoost has not, or has with another meaning.
type catParams struct {
	loss           catLoss // without a name it is the task's default
	depth          int
	l2             float64
	strength       float64 // random_strength
	bootstrap      string  // bootstrap_type, "" is chosen by the loss
	temperature    float64 // bagging_temperature, NaN is not given
	share          float64 // subsample, NaN is not given
	mvsReg         float64 // NaN is estimated
	rsm            float64
	leafIterations int    // 0 is chosen by the loss
	leafMethod     string // Newton, Gradient, Exact; "" is chosen by the loss
	fromMean       int    // boost_from_average: 1, 0, or -1, which is chosen by the loss
	oneHot         int    // one_hot_max_size
	categorical    []int
	missingHigh    bool // nan_mode Max
	noMissing      bool // nan_mode Forbidden
	l2Score        bool // score_function L2, else Cosine
	noBacktracking bool

	shrinkRate       float64 // model_shrink_rate, NaN is not given
	shrinkDecreasing bool    // model_shrink_mode

	policy     string // grow_policy
	minData    int    // min_data_in_leaf; symmetric trees pay no heed to it
	maxLeaves  int    // of Lossguide, 0 is not given
	weights    catWeights
	stopping   catStopping
	evalMetric string
}

func catDefaults() params {
	p := params{rounds: 1000, eta: math.NaN(), maxBin: 254, colTree: 1, colLevel: 1, colNode: 1, subsample: 1, parallelTrees: 1}
	p.catting = catParams{policy: "SymmetricTree", depth: 6, l2: 3, strength: 1, temperature: math.NaN(), share: math.NaN(), mvsReg: math.NaN(), shrinkRate: math.NaN(), rsm: 1, fromMean: -1, oneHot: 2}
	return p
}

var catAliases = map[string]string{
	"num_boost_round": "iterations", "n_estimators": "iterations", "num_trees": "iterations", "eta": "learning_rate", "max_depth": "depth",
	"reg_lambda": "l2_leaf_reg", "max_bin": "border_count", "colsample_bylevel": "rsm", "random_state": "random_seed", "objective": "loss_function",
	"verbose_eval": "verbose", "min_child_samples": "min_data_in_leaf", "num_leaves": "max_leaves",
}

// catTable is what CatBoost takes. Those that change nothing here are checked for their values.
var catTable = table{aliases: catAliases, setters: map[string]setter{
	"iterations":                 integer(func(p *params, n int) { p.rounds = n }, 1, maxRounds),
	"learning_rate":              number(func(p *params, x float64) { p.eta = x }, param.Above(0)),
	"depth":                      integer(func(p *params, n int) { p.catting.depth = n }, 1, maxObliviousDepth),
	"l2_leaf_reg":                number(func(p *params, x float64) { p.catting.l2 = x }, param.AtLeast(0)),
	"random_strength":            number(func(p *params, x float64) { p.catting.strength = x }, param.AtLeast(0)),
	"bagging_temperature":        number(func(p *params, x float64) { p.catting.temperature = x }, param.AtLeast(0)),
	"bootstrap_type":             choice(func(p *params, s string) { p.catting.bootstrap = s }, "Bayesian", "Bernoulli", "MVS", "No"),
	"subsample":                  number(func(p *params, x float64) { p.catting.share = x }, fraction),
	"mvs_reg":                    number(func(p *params, x float64) { p.catting.mvsReg = x }, param.AtLeast(0)),
	"rsm":                        number(func(p *params, x float64) { p.catting.rsm = x }, fraction),
	"border_count":               setBorders,
	"random_seed":                integer(func(p *params, n int) { p.seed = uint64(n) }, math.MinInt64, math.MaxInt64),
	"thread_count":               integer(func(p *params, n int) { p.threads = n }, -1, maxThreads),
	"loss_function":              setCatLoss,
	"leaf_estimation_iterations": integer(func(p *params, n int) { p.catting.leafIterations = n }, 1, 1000),
	"leaf_estimation_method": choice(func(p *params, s string) {
		if s == "Simple" { // on the CPU that is the same
			s = "Gradient"
		}
		p.catting.leafMethod = s
	}, "Newton", "Gradient", "Exact", "Simple"),
	"boost_from_average": truth(func(p *params, yes bool) {
		p.catting.fromMean = 0
		if yes {
			p.catting.fromMean = 1
		}
	}),
	"one_hot_max_size": integer(func(p *params, n int) { p.catting.oneHot = n }, 0, 255),
	"cat_features":     setFeatureNumbers(func(p *params, f []int) { p.catting.categorical = f }),
	"nan_mode": choice(func(p *params, s string) { p.catting.missingHigh, p.catting.noMissing = s == "Max", s == "Forbidden" },
		"Min", "Max", "Forbidden"),
	"score_function":      choice(func(p *params, s string) { p.catting.l2Score = s == "L2" }, "Cosine", "L2"),
	"grow_policy":         choice(func(p *params, s string) { p.catting.policy = s }, "SymmetricTree", "Depthwise", "Lossguide"),
	"min_data_in_leaf":    integer(func(p *params, n int) { p.catting.minData = n }, 1, math.MaxInt32),
	"max_leaves":          integer(func(p *params, n int) { p.catting.maxLeaves = n }, 2, 1<<maxObliviousDepth),
	"boosting_type":       texts([]string{"Plain"}, []string{"Ordered"}),
	"feature_border_type": texts([]string{"GreedyLogSum"}, []string{"Median", "Uniform", "UniformAndQuantiles", "MaxLogSum", "MinEntropy"}),
	"sampling_frequency":  texts([]string{"PerTree"}, []string{"PerTreeLevel"}),
	"task_type":           texts([]string{"CPU", "GPU"}, nil),
	"devices":             texts(nil, nil), "custom_metric": texts(nil, nil), "custom_loss": texts(nil, nil),
	"logging_level": texts([]string{"Silent", "Verbose", "Info", "Debug"}, nil), "train_dir": texts(nil, nil), "name": texts(nil, nil),
	"verbose": anyVerbosity, "silent": boolean, "metric_period": integer(func(*params, int) {}, 1, math.MaxInt32), "allow_writing_files": boolean,
	"used_ram_limit":        texts(nil, nil),
	"eval_metric":           setCatMetric,
	"early_stopping_rounds": integer(func(p *params, n int) { p.catting.stopping.rounds = n }, 1, maxRounds),
	"od_wait":               integer(func(p *params, n int) { p.catting.stopping.wait = n }, 1, maxRounds),
	"od_type":               choice(func(p *params, s string) { p.catting.stopping.iter = s == "Iter" }, "Iter", "IncToDec"),
	"od_pval":               only(0.0),
	"use_best_model":        truth(func(p *params, yes bool) { p.catting.stopping.all = !yes }),
	"class_weights":         setClassWeights,
	"auto_class_weights":    choice(func(p *params, s string) { p.catting.weights.auto = s }, "None", "Balanced", "SqrtBalanced"),
	"scale_pos_weight":      number(func(p *params, x float64) { p.catting.weights.positive = x }, param.Above(0)),
	"monotone_constraints":  setMonotone,
	"model_shrink_rate":     number(func(p *params, x float64) { p.catting.shrinkRate = x }, param.AtLeast(0)),
	"model_shrink_mode":     choice(func(p *params, s string) { p.catting.shrinkDecreasing = s == "Decreasing" }, "Constant", "Decreasing"),
	"langevin":              only(false), "posterior_sampling": only(false),
	"leaf_estimation_backtracking": choice(func(p *params, s string) { p.catting.noBacktracking = s == "No" }, "AnyImprovement", "No"),
	"max_ctr_complexity":           only(1.0), "simple_ctr": unavailable, "combinations_ctr": unavailable, "text_features": only(nil), "embedding_features": only(nil),
	"feature_weights": only(nil), "per_float_feature_quantization": only(nil), "ignored_features": only(nil),
	"penalties_coefficient": only(1.0), "model_size_reg": number(func(*params, float64) {}, param.AtLeast(0)), "approx_on_full_history": only(false),
}}

// anyVerbosity takes what says how much is printed: a truth or a number.
func anyVerbosity(p *params, v any) string {
	if _, ok := param.Number(v); ok {
		return ""
	}
	return boolean(p, v)
}

// setCatMetric takes the name of a metric; which there are depends on the loss.
func setCatMetric(p *params, v any) string {
	s, ok := v.(string)
	if !ok {
		return "must be a text"
	}
	p.catting.evalMetric = s
	return ""
}

// setBorders takes as many borders as the bins of a byte have.
func setBorders(p *params, v any) string {
	if reason := integer(func(p *params, n int) { p.maxBin = n }, 1, 65535)(p, v); reason != "" {
		return reason
	}
	if p.maxBin > maxBins-1 {
		return "more than 255 is not available yet"
	}
	return ""
}
