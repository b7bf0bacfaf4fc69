package gbdt

import (
	"math"

	"github.com/pgowl/pgowl/models/learn"
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
	seed           uint64
	threads        int // 0 is all
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
		baseScore: math.NaN(), tweediePower: 1.5, huberSlope: 1,
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
	"eta":                     number(func(p *params, x float64) { p.eta = x }, atLeast(0)),
	"max_depth":               integer(func(p *params, n int) { p.maxDepth = n }, 0, maxTreeDepth),
	"max_leaves":              integer(func(p *params, n int) { p.maxLeaves = n }, 0, 1<<30),
	"min_child_weight":        number(func(p *params, x float64) { p.minChildWeight = x }, atLeast(0)),
	"gamma":                   number(func(p *params, x float64) { p.gamma = x }, atLeast(0)),
	"lambda":                  number(func(p *params, x float64) { p.lambda = x }, atLeast(0)),
	"alpha":                   number(func(p *params, x float64) { p.alpha = x }, atLeast(0)),
	"max_delta_step":          number(func(p *params, x float64) { p.maxDeltaStep = x }, atLeast(0)),
	"subsample":               number(func(p *params, x float64) { p.subsample = x }, fraction),
	"colsample_bytree":        number(func(p *params, x float64) { p.colTree = x }, fraction),
	"colsample_bylevel":       number(func(p *params, x float64) { p.colLevel = x }, fraction),
	"colsample_bynode":        number(func(p *params, x float64) { p.colNode = x }, fraction),
	"scale_pos_weight":        number(func(p *params, x float64) { p.scalePosWeight = x }, above(0)),
	"max_bin":                 integer(func(p *params, n int) { p.maxBin = min(n, maxBins) }, 2, math.MaxInt32),
	"num_parallel_tree":       integer(func(p *params, n int) { p.parallelTrees = n }, 1, maxParallelTrees),
	"base_score":              number(func(p *params, x float64) { p.baseScore = x }, nil),
	"random_state":            integer(func(p *params, n int) { p.seed = uint64(n) }, math.MinInt64, math.MaxInt64),
	"nthread":                 integer(func(p *params, n int) { p.threads = n }, -1, maxThreads),
	"tweedie_variance_power":  number(func(p *params, x float64) { p.tweediePower = x }, between12),
	"huber_slope":             number(func(p *params, x float64) { p.huberSlope = x }, above(0)),
	"objective":               setObjective,
	"eval_metric":             texts(nil, nil),
	"grow_policy":             setGrowPolicy,
	"booster":                 texts([]string{"gbtree"}, []string{"dart", "gblinear", "linear"}),
	"tree_method":             texts([]string{"auto", "exact", "approx", "hist", "gpu_exact", "gpu_hist"}, nil),
	"sampling_method":         texts([]string{"uniform"}, []string{"gradient_based"}),
	"process_type":            texts([]string{"default"}, []string{"update"}),
	"predictor":               texts([]string{"auto", "cpu", "gpu", "cpu_predictor", "gpu_predictor"}, nil),
	"device":                  texts([]string{"cpu", "cuda", "gpu"}, nil),
	"updater":                 texts(nil, nil),
	"sketch_eps":              number(func(*params, float64) {}, nil),
	"refresh_leaf":            boolean,
	"silent":                  boolean,
	"verbosity":               integer(func(*params, int) {}, 0, 3),
	"monotone_constraints":    unavailable,
	"interaction_constraints": unavailable,
	"multi_strategy":          texts([]string{"one_output_per_tree"}, []string{"multi_output_tree"}),
	// of the dart booster, which is refused itself
	"rate_drop": unavailable, "one_drop": unavailable, "skip_drop": unavailable,
	"sample_type": unavailable, "normalize_type": unavailable,
}

// parse reads the hyperparameters of a client. Errors are *learn.ParamError, the one for the name that sorts first.
func parse(in map[string]any) (params, error) {
	p := defaults()
	given := map[string]string{} // name in setters -> name as it was written
	for _, name := range sortedKeys(in) {
		v := in[name]
		canon := name
		if a, ok := aliases[name]; ok {
			canon = a
		}
		set, ok := setters[canon]
		if !ok {
			return p, &learn.ParamError{Name: name, Value: v, Nearest: nearest(name)}
		}
		if other, twice := given[canon]; twice && in[other] != v {
			return p, &learn.ParamError{Name: name, Value: v, Reason: "given with another value as " + other}
		}
		given[canon] = name
		if reason := set(&p, v); reason != "" {
			return p, &learn.ParamError{Name: name, Value: v, Reason: reason}
		}
	}
	if p.maxDepth == 0 {
		p.maxDepth = maxTreeDepth
	}
	return p, nil
}
