package gbdt

import (
	"fmt"
	"math"

	"github.com/pgowl/pgowl/models/learn"
)

// catDecide fills in what depends on the data and on other parameters.
func (p *params) catDecide(d *learn.Dataset, task learn.Task) error {
	c := &p.catting
	given := c.loss
	if c.loss == "" {
		switch {
		case task == learn.Regression:
			c.loss = "RMSE"
		case d.Classes == 2:
			c.loss = "Logloss"
		default:
			c.loss = "MultiClass"
		}
	}
	reason := ""
	switch {
	case (c.loss == "RMSE") != (task == learn.Regression):
		reason = fmt.Sprintf("%q is for %s", c.loss, map[bool]learn.Task{true: learn.Regression, false: learn.Classification}[c.loss == "RMSE"])
	case c.loss == "Logloss" && d.Classes != 2:
		reason = fmt.Sprintf("%q needs 2 classes, the labels have %d", c.loss, d.Classes)
	}
	if reason != "" {
		return &learn.ParamError{Name: "loss_function", Value: given, Reason: reason}
	}
	groups := 1
	if c.loss == "MultiClass" {
		groups = d.Classes
	}
	if bytes := float64(int(1)<<(c.depth-1)) * float64(d.Features) * float64(groups) * maxBins * 16; bytes > 4<<30 {
		return &learn.ParamError{Name: "depth", Value: c.depth, Reason: fmt.Sprintf("needs %.0f GiB of memory with %d features", bytes/(1<<30), d.Features)}
	}
	if c.fromMean < 0 {
		c.fromMean = 0
		if c.loss == "RMSE" {
			c.fromMean = 1
		}
	}
	if math.IsNaN(p.eta) {
		p.eta = c.autoRate(p.rounds, d.Rows)
	}
	if c.leafIterations == 0 {
		c.leafIterations = 1
		if c.loss == "Logloss" && (p.rounds >= 200 || d.Features >= 20) {
			c.leafIterations = 10
		}
	}
	if c.leafMethod == "" {
		c.leafMethod = "Newton"
	}
	return c.decideBootstrap()
}

// decideBootstrap chooses how rows are drawn.
func (c *catParams) decideBootstrap() error {
	if c.bootstrap == "" {
		switch {
		case !math.IsNaN(c.temperature) || c.loss == "MultiClass" && math.IsNaN(c.share):
			c.bootstrap = "Bayesian"
		case c.loss == "MultiClass":
			c.bootstrap = "Bernoulli"
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
		c.share = .8
		if c.bootstrap == "Bernoulli" {
			c.share = .66
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
	}[fmt.Sprint(c.loss, " ", c.fromMean)]
	if g.size == 0 {
		return .03
	}
	if c.l2 != 3 || c.leafIterations != 0 || c.leafMethod != "" {
		return .03 // CatBoost guesses only while these have their defaults
	}
	rate := math.Exp(g.size*math.Log(float64(rows))+g.sizeConst) * math.Exp(g.iterations*(math.Log(float64(rounds))-math.Log(1000)))
	return math.Round(min(rate, .5)*1e6) / 1e6
}
