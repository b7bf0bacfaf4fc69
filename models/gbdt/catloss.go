package gbdt

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/pgowl/pgowl/models/learn"
	"github.com/pgowl/pgowl/models/param"
)

// catLoss is one of CatBoost's losses, with its parameters.
type catLoss struct {
	name   string
	given  string // as the client wrote it
	values map[string]float64
}

// catRule says what is peculiar to a loss (CatBoost's SetLeavesEstimationDefault, error_functions.h and optimal_const_for_loss.h).
type catRule struct {
	task             learn.Task
	parameters       map[string]catLossParam
	objective        objectiveID
	newton, gradient int  // steps that a leaf takes; 0: it cannot
	slow             bool // steps by gradients unless told otherwise
	// point makes the loss of one margin; nil: it has one a class.
	point func(values map[string]float64) *pointLoss
	// start is the best margin for all rows; nil: CatBoost does not begin with it.
	start func(values map[string]float64, y, w []float32) float64
	auto  bool // begins with that unless told otherwise
	// best is the best value of a leaf whose labels are its rows' residuals, which it has unless told to take steps; nil: it takes steps.
	best func(values map[string]float64, y, w []float32) float64
}

// catLossParam is a parameter of a loss; without a default, which is NaN, it must be given.
type catLossParam struct {
	byDefault float64
	check     param.Check
}

func within(low, high float64) param.Check {
	return func(x float64) string {
		if x < low || x > high {
			return fmt.Sprintf("must be between %v and %v, not %v", low, high, x)
		}
		return ""
	}
}

var (
	catAlpha = catLossParam{.5, within(0, 1)}
	catDelta = catLossParam{1e-6, within(0, .01)}
)

var catLossRules = map[string]catRule{
	"RMSE": {task: learn.Regression, objective: squaredError, newton: 1, gradient: 1, auto: true,
		point: func(map[string]float64) *pointLoss { return squaredLoss() },
		start: func(_ map[string]float64, y, w []float32) float64 { return float64(float32(weightedMean(y, w))) }},
	"MAE": {task: learn.Regression, objective: squaredError, gradient: 1, auto: true,
		point: catQuantile, start: catQuantileOf, best: catQuantileOf, parameters: map[string]catLossParam{"alpha": {.5, within(.5, .5)}, "delta": catDelta}},
	"Quantile": {task: learn.Regression, objective: squaredError, gradient: 1, auto: true,
		point: catQuantile, start: catQuantileOf, best: catQuantileOf, parameters: map[string]catLossParam{"alpha": catAlpha, "delta": catDelta}},
	"MAPE": {task: learn.Regression, objective: squaredError, gradient: 1, auto: true, point: catRelative, start: catRelativeOf, best: catRelativeOf},
	"Poisson": {task: learn.Regression, objective: poisson, newton: 10, gradient: 1,
		point: func(map[string]float64) *pointLoss { return poissonLoss(0) }},
	"Tweedie": {task: learn.Regression, objective: tweedie, newton: 1, gradient: 1, parameters: map[string]catLossParam{"variance_power": {math.NaN(), between12}},
		point: func(v map[string]float64) *pointLoss { return tweedieLoss(v["variance_power"]) }},
	"Huber": {task: learn.Regression, objective: squaredError, newton: 1, gradient: 1, parameters: map[string]catLossParam{"delta": {math.NaN(), param.AtLeast(0)}},
		point: catHuber},
	"Expectile": {task: learn.Regression, objective: squaredError, newton: 5, gradient: 10, point: catExpectile,
		parameters: map[string]catLossParam{"alpha": {math.NaN(), within(0, 1)}}},
	"LogLinQuantile": {task: learn.Regression, objective: squaredError, gradient: 1, slow: true, point: catLogLinQuantile, parameters: map[string]catLossParam{"alpha": catAlpha}},
	"LogCosh":        {task: learn.Regression, objective: squaredError, newton: 1, gradient: 1, point: catLogCosh, best: catLogCoshOf},
	"Lq":             {task: learn.Regression, objective: squaredError, newton: 1, gradient: 1, point: catPower, parameters: map[string]catLossParam{"q": {math.NaN(), param.AtLeast(1)}}},
	"Logloss": {task: learn.Classification, objective: logistic, newton: 10, gradient: 40, start: catLogOdds,
		point: func(map[string]float64) *pointLoss { return entropyLoss() }},
	"CrossEntropy": {task: learn.Classification, objective: logistic, newton: 10, gradient: 40, start: catLogOdds,
		point: func(map[string]float64) *pointLoss { return entropyLoss() }},
	"MultiClass": {task: learn.Classification, objective: softmax, newton: 1, gradient: 10},
}

// laterCatLosses are CatBoost's others, with the reason why they are not here.
var laterCatLosses = map[string]string{
	"MultiClassOneVsAll": "is not available yet", "Focal": "is not available yet", "Cox": "is not available yet", "RMSEWithUncertainty": "is not available yet",
	"MultiQuantile":              "is not available yet",
	"MultiRMSE":                  "needs several labels a row: pgml.train_joint has a model for each",
	"MultiLogloss":               "needs several labels a row: pgml.train_joint has a model for each",
	"MultiCrossEntropy":          "needs several labels a row: pgml.train_joint has a model for each",
	"RMSEWithMissingValues":      "needs several labels a row: pgml.train_joint has a model for each",
	"SurvivalAft":                "takes bounds of labels, and is not available yet",
	"YetiRank":                   rankingNotYet,
	"YetiRankPairwise":           rankingNotYet,
	"PairLogit":                  rankingNotYet,
	"PairLogitPairwise":          rankingNotYet,
	"QueryRMSE":                  rankingNotYet,
	"QuerySoftMax":               rankingNotYet,
	"QueryCrossEntropy":          rankingNotYet,
	"GroupQuantile":              rankingNotYet,
	"LambdaMart":                 rankingNotYet,
	"StochasticFilter":           rankingNotYet,
	"StochasticRank":             rankingNotYet,
	"UserPerObjMetric":           "is for functions of Python's",
	"UserQuerywiseMetric":        "is for functions of Python's",
	"PythonUserDefinedPerObject": "is for functions of Python's",
}

// setCatLoss reads a loss like "Quantile:alpha=0.7".
func setCatLoss(p *params, v any) string {
	s, ok := v.(string)
	if !ok {
		return "must be a text"
	}
	name, rest, has := strings.Cut(s, ":")
	rule, known := catLossRules[name]
	switch why, later := laterCatLosses[name]; {
	case later:
		return fmt.Sprintf("%q %s", name, why)
	case !known:
		return fmt.Sprintf("%q is none of %s", name, strings.Join(slices.Sorted(maps.Keys(catLossRules)), ", "))
	}
	loss := catLoss{name: name, given: s, values: map[string]float64{}}
	for n, p := range rule.parameters {
		loss.values[n] = p.byDefault
	}
	for _, entry := range strings.Split(rest, ";") {
		if !has {
			break
		}
		key, text, _ := strings.Cut(entry, "=")
		p, known := rule.parameters[key]
		x, err := strconv.ParseFloat(text, 64)
		switch {
		case !known:
			return fmt.Sprintf("%s has no parameter %q", name, key)
		case err != nil || math.IsNaN(x) || math.IsInf(x, 0):
			return fmt.Sprintf("%s of %s must be a number, not %q", key, name, text)
		}
		if reason := p.check(x); reason != "" {
			return fmt.Sprintf("%s of %s %s", key, name, reason)
		}
		loss.values[key] = x
	}
	for _, n := range slices.Sorted(maps.Keys(loss.values)) {
		if math.IsNaN(loss.values[n]) {
			return fmt.Sprintf("%s needs %s, as in %s:%s=1.5", name, n, name, n)
		}
	}
	p.catting.loss = loss
	return ""
}

// weightedMean is the mean of values with weights, nil is one each.
func weightedMean(y, w []float32) float64 {
	if w == nil {
		return mean(y)
	}
	total, weight := 0.0, 0.0
	for i, v := range y {
		total += float64(v) * float64(w[i])
		weight += float64(w[i])
	}
	return total / weight
}

func catLogOdds(_ map[string]float64, y, w []float32) float64 {
	return logit(float64(float32(weightedMean(y, w))))
}

// sampleQuantile is the least value up to which the weights are a share alpha of all. w nil: each row weighs one.
func sampleQuantile(y, w []float32, alpha float64) float64 {
	type entry struct{ value, weight float32 }
	list, total := make([]entry, len(y)), 0.0
	for i, v := range y {
		list[i] = entry{v, 1}
		if w != nil {
			list[i].weight = w[i]
		}
		total += float64(list[i].weight)
	}
	slices.SortStableFunc(list, func(a, b entry) int { return cmp.Compare(a.value, b.value) })
	sum := 0.0
	for _, e := range list {
		if sum += float64(e.weight); sum >= total*alpha-0x1p-52 {
			return float64(e.value)
		}
	}
	return float64(list[len(list)-1].value)
}

// catQuantileOf is a quantile, moved by delta to the side that has too much weight.
func catQuantileOf(v map[string]float64, y, w []float32) float64 {
	alpha, delta := v["alpha"], v["delta"]
	q := sampleQuantile(y, w, alpha)
	if delta > 0 {
		less, equal, total := 0.0, 0.0, 0.0
		for i, x := range y {
			weight := weightOf(w, i)
			total += weight
			switch {
			case float64(x) < q:
				less += weight
			case float64(x) == q:
				equal += weight
			}
		}
		if less+equal*alpha >= total*alpha-0x1p-52 {
			q -= delta
		} else {
			q += delta
		}
	}
	return float64(float32(q))
}

// catRelativeOf is the median where large values weigh less.
func catRelativeOf(_ map[string]float64, y, w []float32) float64 {
	weights := make([]float32, len(y))
	for i, v := range y {
		weights[i] = float32(weightOf(w, i)) / max(1, float32(math.Abs(float64(v))))
	}
	return sampleQuantile(y, weights, .5)
}

// rankingNotYet is why CatBoost's rankings are refused.
const rankingNotYet = "ranks the rows within each query, and is not available yet"
