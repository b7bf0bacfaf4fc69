package gbdt

import (
	"fmt"
	"math"

	"github.com/pgowl/pgowl/models/learn"
)

// catDecide fills in what depends on the data and on other parameters.
func (p *params) catDecide(d *learn.Dataset, task learn.Task) error {
	c := &p.catting
	if c.loss.name == "" {
		switch {
		case task == learn.Regression:
			c.loss.name = "RMSE"
		case d.Classes == 2:
			c.loss.name = "Logloss"
		default:
			c.loss.name = "MultiClass"
		}
	}
	rule := catLossRules[c.loss.name]
	groups, reason := 1, rule.objective.unfit(d.Y)
	switch {
	case rule.task != task:
		reason = fmt.Sprintf("%q is for %s", c.loss.name, rule.task)
	case rule.point == nil:
		groups = d.Classes
	case task == learn.Classification && d.Classes != 2:
		reason = fmt.Sprintf("%q needs 2 classes, the labels have %d", c.loss.name, d.Classes)
	}
	if reason != "" {
		return &learn.ParamError{Name: "loss_function", Value: c.loss.given, Reason: reason}
	}
	cells := 1 << (c.depth - 1)
	switch {
	case c.policy == "Lossguide":
		if c.maxLeaves == 0 {
			c.maxLeaves = 31
		}
		cells = min(cells, c.maxLeaves)
	case c.maxLeaves != 0:
		return &learn.ParamError{Name: "max_leaves", Value: c.maxLeaves, Reason: "needs grow_policy Lossguide"}
	}
	if bytes := float64(cells) * float64(d.Features) * float64(groups) * maxBins * 16; bytes > 4<<30 {
		return &learn.ParamError{Name: "depth", Value: c.depth, Reason: fmt.Sprintf("needs %.0f GiB of memory with %d features", bytes/(1<<30), d.Features)}
	}
	if c.fromMean == 1 && rule.start == nil {
		return &learn.ParamError{Name: "boost_from_average", Value: true, Reason: "cannot be had with loss_function " + c.loss.name}
	}
	if c.fromMean < 0 {
		c.fromMean = int(b2f(rule.auto))
	}
	if math.IsNaN(p.eta) {
		p.eta = c.autoRate(p.rounds, d.Rows)
	}
	if err := c.decideLeaves(p.rounds, d.Features); err != nil {
		return err
	}
	if c.shrinkDecreasing && c.shrinkRate >= 1 || !c.shrinkDecreasing && c.shrinkRate*p.eta >= 1 {
		return &learn.ParamError{Name: "model_shrink_rate", Value: c.shrinkRate, Reason: "leaves nothing of the model"}
	}
	return c.decideBootstrap(d.Rows)
}

// decideLeaves chooses how the values of leaves are found.
func (c *catParams) decideLeaves(rounds, features int) error {
	rule := catLossRules[c.loss.name]
	if c.leafMethod == "" {
		switch {
		case rule.best != nil:
			c.leafMethod = "Exact"
		case rule.newton == 0 || rule.slow || c.loss.name == "Lq" && c.loss.values["q"] < 2:
			c.leafMethod = "Gradient"
		default:
			c.leafMethod = "Newton"
		}
	}
	steps := map[string]int{"Newton": rule.newton, "Gradient": rule.gradient, "Exact": int(b2f(rule.best != nil))}[c.leafMethod]
	if steps == 0 {
		return &learn.ParamError{Name: "leaf_estimation_method", Value: c.leafMethod, Reason: "cannot be had with loss_function " + c.loss.name}
	}
	if c.leafIterations == 0 {
		c.leafIterations = 1
		if rounds >= 200 || features >= 20 {
			c.leafIterations = steps
		}
	}
	if c.leafMethod == "Exact" && c.leafIterations > 1 {
		return &learn.ParamError{Name: "leaf_estimation_iterations", Value: c.leafIterations, Reason: "must be 1 with leaf_estimation_method Exact"}
	}
	if c.l2 == 0 {
		c.l2 = 1e-20
	}
	return nil
}

// decideBootstrap chooses how rows are drawn.
func (c *catParams) decideBootstrap(rows int) error {
	if c.bootstrap == "" {
		switch {
		case !math.IsNaN(c.temperature) || c.loss.name == "MultiClass":
			c.bootstrap = "Bayesian"
		default:
			c.bootstrap = "MVS"
		}
	}
	if c.bootstrap == "Bayesian" && !math.IsNaN(c.share) {
		return &learn.ParamError{Name: "subsample", Value: c.share, Reason: "cannot be used with bootstrap_type Bayesian"}
	}
	if c.bootstrap != "Bayesian" && !math.IsNaN(c.temperature) {
		return &learn.ParamError{Name: "bagging_temperature", Value: c.temperature, Reason: "needs bootstrap_type Bayesian"}
	}
	if math.IsNaN(c.temperature) {
		c.temperature = 1
	}
	if math.IsNaN(c.share) {
		switch {
		case rows < 100: // CatBoost draws nothing of so few
			c.share = 1
		case c.bootstrap == "Bernoulli":
			c.share = .66
		default:
			c.share = .8
		}
	}
	return nil
}

// autoRate is CatBoost's guess of a learning rate, from fits of many data sets.
func (c *catParams) autoRate(rounds, rows int) float64 {
	type guess struct{ size, sizeConst, iterations, iterationsConst float64 }
	g := map[string]guess{
		"RMSE 1": {.158, -4.287, -.813, 2.571}, "RMSE 0": {.178, -4.473, -.76, 2.133},
		"Logloss 1": {.408, -7.299, -.928, 2.701}, "Logloss 0": {.427, -7.525, -.917, 2.63},
		"MultiClass 0": {.051, -2.889, -.845, 2.928},
	}[fmt.Sprint(c.loss.name, " ", c.fromMean)]
	if g.size == 0 {
		return .03
	}
	if c.l2 != 3 || c.leafIterations != 0 || c.leafMethod != "" {
		return .03 // CatBoost guesses only while these have their defaults
	}
	rate := math.Exp(g.size*math.Log(float64(rows))+g.sizeConst) * math.Exp(g.iterations*(math.Log(float64(rounds))-math.Log(1000)))
	return math.Round(min(rate, .5)*1e6) / 1e6
}
