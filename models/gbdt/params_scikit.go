package gbdt

import (
	"fmt"
	"math"
	"slices"

	"github.com/pgowl/pgowl/models/param"
)

// scikitParams are the hyperparameters of scikit-learn's gradient boosting that XGBoost has not, or has with another meaning.
type scikitParams struct {
	loss        string // "" is the task's default
	quantile    float64
	minLeaf     countOrShare
	minSplit    countOrShare
	minGain     float64 // min_impurity_decrease
	shareUp     bool    // a share of the features is rounded up
	maxFeatures any     // a share, a number, sqrt, log2; nil is all
	l2          float64
	stopping    string // early_stopping: auto, true, false
	validation  countOrShare
	patience    int // 0: no early stopping
	tolerance   float64
	categorical []int
}

// countOrShare is a number of rows, or a share of them.
type countOrShare struct {
	count int
	share float64 // in place of count when more than 0
}

// of is the number among so many rows, rounded up.
func (c countOrShare) of(rows int) int {
	if c.share > 0 {
		return int(math.Ceil(c.share * float64(rows)))
	}
	return c.count
}

// setCountOrShare takes an integer from low on, or a number below 1.
func setCountOrShare(set func(*params, countOrShare), low int) setter {
	return func(p *params, v any) string {
		x, ok := param.Number(v)
		switch {
		case !ok || !(x > 0):
			return fmt.Sprintf("must be %d or more, or a share between 0 and 1", low)
		case x < 1:
			set(p, countOrShare{share: x})
		case x != math.Trunc(x) || x < float64(low) || x > math.MaxInt32:
			return fmt.Sprintf("must be an integer of %d or more, or a share between 0 and 1", low)
		default:
			set(p, countOrShare{count: int(x)})
		}
		return ""
	}
}

// orNone lets null stand for none.
func orNone(set setter, none func(*params)) setter {
	return func(p *params, v any) string {
		if v == nil {
			none(p)
			return ""
		}
		return set(p, v)
	}
}

func scikitDefaults() params {
	return params{rounds: 100, eta: .1, maxLeaves: 0, colTree: 1, colLevel: 1, colNode: 1, subsample: 1, maxBin: 255, parallelTrees: 1}
}

// histDefaults are those of HistGradientBoostingRegressor and -Classifier.
func histDefaults() params {
	p := scikitDefaults()
	p.maxLeaves, p.lossGuide, p.maxDepth = 31, true, -1
	p.scikit = scikitParams{minLeaf: countOrShare{count: 20}, shareUp: true, stopping: "auto", validation: countOrShare{share: .1}, patience: 10, tolerance: 1e-7, quantile: -1}
	return p
}

// gradientDefaults are those of GradientBoostingRegressor and -Classifier.
func gradientDefaults() params {
	p := scikitDefaults()
	p.maxDepth, p.maxBin = 3, maxBins
	p.scikit = scikitParams{minLeaf: countOrShare{count: 1}, minSplit: countOrShare{count: 2}, validation: countOrShare{share: .1}, tolerance: 1e-4, quantile: .9}
	return p
}

// scikitSeed is random_state: null is a seed as good as any other.
var scikitSeed = orNone(integer(func(p *params, n int) { p.seed = uint64(n) }, math.MinInt64, math.MaxInt64), func(p *params) { p.seed = 0 })

// histTable is what HistGradientBoosting takes.
var histTable = table{aliases: map[string]string{}, setters: map[string]setter{
	"loss":          setScikitLoss("squared_error", "absolute_error", "gamma", "poisson", "quantile", "log_loss"),
	"quantile":      orNone(number(func(p *params, x float64) { p.scikit.quantile = x }, share01), func(p *params) { p.scikit.quantile = -1 }),
	"learning_rate": number(func(p *params, x float64) { p.eta = x }, param.Above(0)),
	"max_iter":      integer(func(p *params, n int) { p.rounds = n }, 1, maxRounds),
	"max_leaf_nodes": orNone(integer(func(p *params, n int) { p.maxLeaves = n }, 2, math.MaxInt32),
		func(p *params) { p.maxLeaves = 0 }),
	"max_depth":         orNone(integer(func(p *params, n int) { p.maxDepth = n }, 1, maxTreeDepth), func(p *params) { p.maxDepth = -1 }),
	"min_samples_leaf":  integer(func(p *params, n int) { p.scikit.minLeaf.count = n }, 1, math.MaxInt32),
	"l2_regularization": number(func(p *params, x float64) { p.scikit.l2 = x }, param.AtLeast(0)),
	"max_features":      number(func(p *params, x float64) { p.scikit.maxFeatures = x }, fraction),
	"max_bins":          integer(func(p *params, n int) { p.maxBin = n }, 2, 255),
	"early_stopping":    setEarlyStopping,
	"validation_fraction": setCountOrShare(func(p *params, c countOrShare) { p.scikit.validation = c },
		1),
	"n_iter_no_change":     integer(func(p *params, n int) { p.scikit.patience = n }, 1, maxRounds),
	"tol":                  number(func(p *params, x float64) { p.scikit.tolerance = x }, param.AtLeast(0)),
	"random_state":         scikitSeed,
	"categorical_features": orNone(setFeatureNumbers(func(p *params, f []int) { p.scikit.categorical = f }), func(*params) {}),
	"scoring":              texts([]string{"loss"}, nil),
	"verbose":              number(func(*params, float64) {}, nil),
	"warm_start":           only(false),
	"monotonic_cst":        only(nil),
	"interaction_cst":      only(nil),
	"class_weight":         only(nil),
}}

// gradientTable is what GradientBoosting takes.
var gradientTable = table{aliases: map[string]string{}, setters: map[string]setter{
	"loss":              setScikitLoss("squared_error", "absolute_error", "huber", "quantile", "log_loss", "exponential"),
	"alpha":             number(func(p *params, x float64) { p.scikit.quantile = x }, share),
	"learning_rate":     number(func(p *params, x float64) { p.eta = x }, param.Above(0)),
	"n_estimators":      integer(func(p *params, n int) { p.rounds = n }, 1, maxRounds),
	"subsample":         number(func(p *params, x float64) { p.subsample = x }, fraction),
	"criterion":         texts([]string{"friedman_mse", "squared_error"}, nil), // the same splits
	"min_samples_split": setCountOrShare(func(p *params, c countOrShare) { p.scikit.minSplit = c }, 2),
	"min_samples_leaf":  setCountOrShare(func(p *params, c countOrShare) { p.scikit.minLeaf = c }, 1),
	"max_depth":         orNone(integer(func(p *params, n int) { p.maxDepth = n }, 1, maxTreeDepth), func(p *params) { p.maxDepth = -1 }),
	"max_features":      orNone(setMaxFeatures, func(p *params) { p.scikit.maxFeatures = nil }),
	"max_leaf_nodes": orNone(integer(func(p *params, n int) { p.maxLeaves, p.lossGuide = n, true }, 2, math.MaxInt32),
		func(p *params) { p.maxLeaves, p.lossGuide = 0, false }),
	"min_impurity_decrease":    number(func(p *params, x float64) { p.scikit.minGain = x }, param.AtLeast(0)),
	"validation_fraction":      number(func(p *params, x float64) { p.scikit.validation.share = x }, share),
	"n_iter_no_change":         orNone(integer(func(p *params, n int) { p.scikit.patience = n }, 1, maxRounds), func(p *params) { p.scikit.patience = 0 }),
	"tol":                      number(func(p *params, x float64) { p.scikit.tolerance = x }, param.AtLeast(0)),
	"random_state":             scikitSeed,
	"verbose":                  number(func(*params, float64) {}, nil),
	"init":                     only(nil),
	"warm_start":               only(false),
	"ccp_alpha":                only(0.0),
	"min_weight_fraction_leaf": only(0.0),
}}

// scikitLosses are the older names, which scikit-learn 1.2 still took.
var scikitLosses = map[string]string{"ls": "squared_error", "least_squares": "squared_error", "lad": "absolute_error", "least_absolute_deviation": "absolute_error",
	"deviance": "log_loss", "binary_crossentropy": "log_loss", "categorical_crossentropy": "log_loss", "auto": ""}

func setScikitLoss(known ...string) setter {
	return func(p *params, v any) string {
		s, ok := v.(string)
		if !ok {
			return "must be a text"
		}
		if now, old := scikitLosses[s]; old {
			s = now
		} else if !slices.Contains(known, s) {
			return fmt.Sprintf("%q is none of %v", s, known)
		}
		p.scikit.loss = s
		return ""
	}
}

func setEarlyStopping(p *params, v any) string {
	switch v {
	case "auto":
		p.scikit.stopping = "auto"
	case true, false:
		p.scikit.stopping = fmt.Sprint(v)
	default:
		return "must be auto, true or false"
	}
	return ""
}

func setMaxFeatures(p *params, v any) string {
	if s, ok := v.(string); ok {
		if s != "sqrt" && s != "log2" {
			return "must be sqrt, log2 or a number"
		}
		p.scikit.maxFeatures = s
		return ""
	}
	x, ok := param.Number(v)
	if !ok || !(x > 0) || x >= 1 && x != math.Trunc(x) {
		return "must be sqrt, log2, a share of the features or their number"
	}
	p.scikit.maxFeatures = x
	// 1 is one feature, but JSON cannot tell it from 1.0, which is all: scikit-learn's own example is 1.0.
	return ""
}

// featureShare is the part of the features that a split may use.
func (s *scikitParams) featureShare(features int) float64 {
	n := float64(features)
	switch v := s.maxFeatures.(type) {
	case string:
		if v == "sqrt" {
			return max(1, math.Floor(math.Sqrt(n))) / n
		}
		return max(1, math.Floor(math.Log2(n))) / n
	case float64:
		if v <= 1 && s.shareUp {
			return min(1, math.Ceil(v*n)/n)
		}
		if v <= 1 {
			return v
		}
		return min(1, v/n)
	}
	return 1
}
