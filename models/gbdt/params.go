package gbdt

import (
	"math"

	"github.com/pgowl/pgowl/models/param"
)

// params are the hyperparameters of a fit, with XGBoost's names and defaults (PostgresML's for the number of rounds).
type params struct {
	rounds         int     // n_estimators, boost_rounds
	eta            float64 // learning_rate
	maxDepth       int     // 0 is maxTreeDepth
	maxLeaves      int     // 0 is without limit
	lossGuide      bool    // grow_policy: the leaf of the largest gain next, else level by level
	minChildWeight float64
	gamma          float64 // min_split_loss
	lambda         float64 // reg_lambda
	alpha          float64 // reg_alpha
	maxDeltaStep   float64
	subsample      float64
	colTree        float64 // colsample_bytree
	colLevel       float64 // colsample_bylevel
	colNode        float64 // colsample_bynode
	scalePosWeight float64
	maxBin         int // more than 256 counts as 256
	parallelTrees  int
	baseScore      float64 // NaN: estimated from the labels
	objective      string  // empty: the task's default
	tweediePower   float64
	huberSlope     float64
	quantileAlpha  float64
	classes        int // num_class; 0: as many as the labels have
	seed           uint64
	threads        int // 0 is all

	monotone     any    // monotone_constraints as they were written; see constraints.go
	interactions any    // interaction_constraints
	byGradient   bool   // sampling_method gradient_based
	multiTree    bool   // multi_strategy multi_output_tree
	booster      string // gbtree, dart or gblinear
	updaters     []string
	refreshLeaf  bool
	dart         dartParams
	rank         rankParams
	aft          aftParams
	linear       linearParams

	metrics            []metricName // eval_metric
	stopAfter          int          // early_stopping_rounds; 0 is never
	validationFraction float64

	light   lightParams // of LightGBM
	scikit  scikitParams
	catting catParams // of CatBoost
}

// The largest values that are taken, so that a typing error ends in a message and not in days of work.
const (
	maxRounds        = 1_000_000
	maxParallelTrees = 100_000
	maxThreads       = 1024
)

func defaults() params {
	return params{
		rounds: 10, eta: 0.3, maxDepth: 6, minChildWeight: 1, lambda: 1,
		maxDeltaStep: math.NaN(), // 0, but 0.7 for count:poisson
		subsample:    1, colTree: 1, colLevel: 1, colNode: 1, scalePosWeight: 1, maxBin: 256, parallelTrees: 1,
		baseScore: math.NaN(), tweediePower: 1.5, huberSlope: 1, quantileAlpha: math.NaN(),
		booster: "gbtree", refreshLeaf: true, validationFraction: 0.1, rank: rankParams{biasNorm: 1}, aft: aftParams{scale: 1},
	}
}

// setter puts a value as a client wrote it into params; it returns the reason why it can't, or "".
type setter func(p *params, v any) string

// aliases maps XGBoost's other names to the one in setters.
var aliases = map[string]string{
	"learning_rate": "eta", "min_split_loss": "gamma", "reg_lambda": "lambda", "reg_alpha": "alpha",
	"boost_rounds": "n_estimators", "seed": "random_state", "n_jobs": "nthread",
}

// setters holds every parameter that is known. Those that change nothing here (tree_method, predictor, updater ...) are
// checked for their values, since a typing error in them is still one.
var setters = map[string]setter{
	"n_estimators":            integer(func(p *params, n int) { p.rounds = n }, 1, maxRounds),
	"eta":                     number(func(p *params, x float64) { p.eta = x }, param.AtLeast(0)),
	"max_depth":               integer(func(p *params, n int) { p.maxDepth = n }, 0, maxTreeDepth),
	"max_leaves":              integer(func(p *params, n int) { p.maxLeaves = n }, 0, 1<<30),
	"min_child_weight":        number(func(p *params, x float64) { p.minChildWeight = x }, param.AtLeast(0)),
	"gamma":                   number(func(p *params, x float64) { p.gamma = x }, param.AtLeast(0)),
	"lambda":                  number(func(p *params, x float64) { p.lambda = x }, param.AtLeast(0)),
	"alpha":                   number(func(p *params, x float64) { p.alpha = x }, param.AtLeast(0)),
	"max_delta_step":          number(func(p *params, x float64) { p.maxDeltaStep = x }, param.AtLeast(0)),
	"subsample":               number(func(p *params, x float64) { p.subsample = x }, fraction),
	"colsample_bytree":        number(func(p *params, x float64) { p.colTree = x }, fraction),
	"colsample_bylevel":       number(func(p *params, x float64) { p.colLevel = x }, fraction),
	"colsample_bynode":        number(func(p *params, x float64) { p.colNode = x }, fraction),
	"scale_pos_weight":        number(func(p *params, x float64) { p.scalePosWeight = x }, param.Above(0)),
	"max_bin":                 integer(func(p *params, n int) { p.maxBin = min(n, maxBins) }, 2, math.MaxInt32),
	"num_parallel_tree":       integer(func(p *params, n int) { p.parallelTrees = n }, 1, maxParallelTrees),
	"base_score":              number(func(p *params, x float64) { p.baseScore = x }, nil),
	"random_state":            integer(func(p *params, n int) { p.seed = uint64(n) }, math.MinInt64, math.MaxInt64),
	"nthread":                 integer(func(p *params, n int) { p.threads = n }, -1, maxThreads),
	"tweedie_variance_power":  number(func(p *params, x float64) { p.tweediePower = x }, between12),
	"huber_slope":             number(func(p *params, x float64) { p.huberSlope = x }, param.Above(0)),
	"quantile_alpha":          setQuantileAlpha,
	"objective":               setObjective,
	"eval_metric":             setEvalMetric,
	"early_stopping_rounds":   integer(func(p *params, n int) { p.stopAfter = n }, 1, maxRounds),
	"validation_fraction":     number(func(p *params, x float64) { p.validationFraction = x }, share),
	"grow_policy":             setGrowPolicy,
	"booster":                 choice(func(p *params, s string) { p.booster = s }, "gbtree", "dart", "gblinear", "linear"),
	"tree_method":             texts([]string{"auto", "exact", "approx", "hist", "gpu_exact", "gpu_hist"}, nil),
	"sampling_method":         choice(func(p *params, s string) { p.byGradient = s == "gradient_based" }, "uniform", "gradient_based"),
	"process_type":            setProcessType,
	"predictor":               texts([]string{"auto", "cpu", "gpu", "cpu_predictor", "gpu_predictor"}, nil),
	"device":                  texts([]string{"cpu", "cuda", "gpu"}, nil),
	"updater":                 setUpdater,
	"sketch_eps":              number(func(*params, float64) {}, nil),
	"refresh_leaf":            truth(func(p *params, yes bool) { p.refreshLeaf = yes }),
	"silent":                  boolean,
	"verbosity":               integer(func(*params, int) {}, 0, 3),
	"gpu_id":                  integer(func(*params, int) {}, -1, math.MaxInt32),
	"validate_parameters":     boolean,
	"use_label_encoder":       boolean,
	"importance_type":         texts([]string{"gain", "weight", "cover", "total_gain", "total_cover"}, nil),
	"num_class":               integer(func(p *params, n int) { p.classes = n }, 0, maxClasses),
	"monotone_constraints":    setMonotone,
	"interaction_constraints": setInteractions,
	"multi_strategy":          choice(func(p *params, s string) { p.multiTree = s == "multi_output_tree" }, "one_output_per_tree", "multi_output_tree"),
	// of categories and outputs that a model here does not have
	"enable_categorical":          setCategorical,
	"max_cat_to_onehot":           notYet,
	"max_cat_threshold":           notYet,
	"feature_types":               notYet,
	"num_target":                  only(1.0),
	"max_cached_hist_node":        integer(func(*params, int) {}, 1, math.MaxInt32),
	"seed_per_iteration":          only(false),
	"disable_default_eval_metric": boolean,
	"expectile_alpha":             notYet,
	"missing":                     setMissing,
	// of the dart booster
	"rate_drop":      number(func(p *params, x float64) { p.dart.rate = x }, share01),
	"one_drop":       truth(func(p *params, yes bool) { p.dart.one = yes }),
	"skip_drop":      number(func(p *params, x float64) { p.dart.skip = x }, share01),
	"sample_type":    choice(func(p *params, s string) { p.dart.weighted = s == "weighted" }, "uniform", "weighted"),
	"normalize_type": choice(func(p *params, s string) { p.dart.forest = s == "forest" }, "tree", "forest"),
	// of rankings
	"lambdarank_pair_method":         choice(func(p *params, s string) { p.rank.sampled = s == "mean" }, "topk", "mean"),
	"lambdarank_num_pair_per_sample": integer(func(p *params, n int) { p.rank.pairs = n }, 1, math.MaxInt32),
	"lambdarank_normalization":       truth(func(p *params, yes bool) { p.rank.raw = !yes }),
	"lambdarank_score_normalization": truth(func(p *params, yes bool) { p.rank.noDamping = !yes }),
	"lambdarank_unbiased":            truth(func(p *params, yes bool) { p.rank.unbiased = yes }),
	"lambdarank_bias_norm":           number(func(p *params, x float64) { p.rank.biasNorm = x }, param.AtLeast(0)),
	"ndcg_exp_gain":                  truth(func(p *params, yes bool) { p.rank.linear = !yes }),
	// of survival:aft
	"aft_loss_distribution":       choice(func(p *params, s string) { p.aft.distribution = s }, "normal", "logistic", "extreme"),
	"aft_loss_distribution_scale": number(func(p *params, x float64) { p.aft.scale = x }, param.Above(0)),
	// of the linear booster
	"feature_selector": choice(func(p *params, s string) { p.linear.selector = s }, "cyclic", "shuffle", "random", "greedy", "thrifty"),
	"top_k":            integer(func(p *params, n int) { p.linear.top = n }, 0, maxFeatures),
	"tolerance":        number(func(p *params, x float64) { p.linear.tolerance = x }, param.AtLeast(0)),
}

// xgboostTable is what XGBoost takes.
var xgboostTable = table{setters, aliases}

// parse reads the hyperparameters of a client. Errors are *learn.ParamError, the one for the name that sorts first.
func parse(in map[string]any) (params, error) { return parseFrom(defaults(), in) }

// parseFrom is parse with other defaults.
func parseFrom(p params, in map[string]any) (params, error) {
	given, err := xgboostTable.read(&p, in)
	if err != nil {
		return p, err
	}
	if p.maxDepth == 0 {
		p.maxDepth = maxTreeDepth
	}
	return p, p.agree(given)
}
