package gbdt

import (
	"context"
	"fmt"

	"github.com/pgowl/pgowl/models/learn"
)

var _ learn.Trainer = TrainLightGBM

// holdoutShare is the part of the rows that early stopping looks at where a client names no other data and no share.
const holdoutShare = .1

// TrainLightGBM fits boosted trees by LightGBM's rules. It is a learn.Trainer; the hyperparameters are LightGBM's, with its defaults. The objective is
// regression, binary for two classes and multiclass for more. The features that data.Categorical or the hyperparameter categorical_feature names are split by
// sets of categories. early_stopping_round holds a tenth of the rows apart, drawn by seed, as there are no other data to judge by.
func TrainLightGBM(ctx context.Context, data *learn.Dataset, task learn.Task, hyperparams map[string]any, progress learn.Progress) (learn.Model, error) {
	p := lightDefaults()
	if _, err := lightTable.read(&p, hyperparams); err != nil {
		return nil, err
	}
	if err := valid(data, task); err != nil {
		return nil, fmt.Errorf("gbdt: %w", err)
	}
	r, err := p.lightRecipe(data, task)
	if err != nil {
		return nil, err
	}
	return r.train(ctx, data, progress)
}

// lightRecipe chooses the loss and checks what depends on several parameters or on the data.
func (p *params) lightRecipe(d *learn.Dataset, task learn.Task) (*recipe, error) {
	l := &p.light
	r := &recipe{params: *p, rules: l.rules, groups: 1, objective: squaredError, scale: 1, fromZero: !l.fromMean, untilStuck: true}
	r.rules.inherited, r.bag = true, allRows{}
	if r.rules.smooth > epsilon { // LightGBM needs that, as its numbers of rows are estimates
		r.rules.minData = max(r.rules.minData, 2)
	}
	if r.rules.minHessian <= epsilon {
		r.rules.minData = max(r.rules.minData, 1)
	}
	r.light = &lightFit{seeds: l.seeds(p.seed), seed: uint32(p.seed), sketch: l.sketch}
	r.light.linear, r.light.ridge = l.linear, l.ridge
	switch {
	case l.quantize && l.linear:
		return nil, &learn.ParamError{Name: "use_quantized_grad", Value: true, Reason: "cannot be used together with linear_tree"}
	case l.quantize:
		r.light.quant = &l.quant
	}
	categorical, err := joinCategories(d, "categorical_feature", l.categories)
	if err != nil {
		return nil, err
	}
	r.cut = lightCutter(p.maxBin, l.minInBin, categorical)
	if err := p.lightLoss(r, d, task); err != nil {
		return nil, err
	}
	if err := p.lightSampling(r); err != nil {
		return nil, err
	}
	if err := p.lightConstraints(r, d); err != nil {
		return nil, err
	}
	metrics, err := p.lightMeasures(r.name)
	if err != nil {
		return nil, err
	}
	if l.patience > 0 && l.boosting != "dart" { // whose later rounds change the earlier ones; LightGBM has no early stopping there either
		if len(metrics) == 0 {
			return nil, &learn.ParamError{Name: "early_stopping_round", Value: l.patience, Reason: "needs a metric"}
		}
		r.holdout = holdoutShare
		r.light.stop = &lightStopper{metrics: metrics, patience: l.patience, delta: l.leastGain, firstOnly: l.firstOnly}
	}
	return r, nil
}

// lightLoss chooses the loss, the margins and the objective of the model.
func (p *params) lightLoss(r *recipe, d *learn.Dataset, task learn.Task) error {
	l := &p.light
	name := l.objective
	bad := func(format string, args ...any) error {
		return &learn.ParamError{Name: "objective", Value: name, Reason: fmt.Sprintf(format, args...)}
	}
	if name == "" {
		name = "regression"
		if task == learn.Classification {
			name = "multiclass"
			if d.Classes == 2 {
				name = "binary"
			}
		}
	}
	several := name == "multiclass" || name == "multiclassova"
	classes := name == "binary" || several
	switch {
	case classes && task != learn.Classification:
		return bad("%q is for classification", name)
	case !classes && task == learn.Classification:
		return bad("%q is for regression", name)
	case name == "binary" && d.Classes != 2:
		return bad("%q needs 2 classes, the labels have %d", name, d.Classes)
	case l.classes > 0 && several && l.classes != d.Classes || l.classes > 1 && !several:
		return &learn.ParamError{Name: "num_class", Value: l.classes, Reason: fmt.Sprintf("does not fit %q with %d classes", name, d.Classes)}
	case l.unbalanced && p.scalePosWeight != 1:
		return &learn.ParamError{Name: "is_unbalance", Value: true, Reason: "cannot be used together with scale_pos_weight"}
	}
	if l.linear && name == "regression_l1" {
		return bad("%q cannot be used together with linear_tree", name)
	}
	r.name = name
	switch name {
	case "regression":
		r.loss = squaredLoss()
	case "regression_l1":
		r.loss = &quantileLoss{alpha: .5, of: linearQuantile, slope: sign}
	case "quantile":
		if l.alpha >= 1 {
			return &learn.ParamError{Name: "alpha", Value: l.alpha, Reason: "must be between 0 and 1 for a quantile"}
		}
		r.loss = &quantileLoss{alpha: l.alpha, of: linearQuantile, slope: pinball(l.alpha)}
	case "mape":
		r.loss = &quantileLoss{alpha: .5, slope: sign, weigh: relativeWeight}
	case "huber":
		r.loss = huberLoss(l.alpha)
	case "fair":
		r.loss = fairLoss(l.fairC)
	case "poisson":
		r.loss, r.objective = poissonLoss(l.step), poisson
	case "gamma":
		r.loss, r.objective = gammaLoss(), gammaDeviance
	case "tweedie":
		r.loss, r.objective = tweedieLoss(p.tweediePower), tweedie
	case "cross_entropy":
		r.loss, r.objective = entropyLoss(), logistic
	case "cross_entropy_lambda":
		r.loss, r.objective = lambdaLoss(), logPlus
	case "binary":
		r.binary = true
		r.loss, r.objective, r.scale = &againstRest{p: p, sigma: l.sigmoid, first: 1, weights: make([][2]float64, 1)}, logistic, l.sigmoid
	case "multiclassova":
		r.loss, r.objective = &againstRest{p: p, sigma: l.sigmoid, weights: make([][2]float64, d.Classes)}, oneAgainstRest
		r.groups, r.scale = d.Classes, l.sigmoid
	case "multiclass":
		factor := 1.0
		if d.Classes > 1 {
			factor = float64(d.Classes) / float64(d.Classes-1)
		}
		r.loss, r.objective, r.groups = &softmaxLoss{d.Classes, factor}, softmax, d.Classes
	}
	switch name {
	case "regression", "regression_l1", "quantile", "mape", "huber":
		r.light.flat = true
	}
	if reason := r.objective.unfit(d.Y); reason != "" {
		return bad("%s", reason)
	}
	return nil
}

// lightSampling chooses the rows of trees, and how they are boosted.
func (p *params) lightSampling(r *recipe) error {
	l := &p.light
	seed := r.light.seeds.bagging
	byClass := (l.positive < 1 || l.negative < 1) && r.binary
	switch {
	case l.goss && l.freq > 0 && l.fraction != 1:
		return &learn.ParamError{Name: "bagging_fraction", Value: l.fraction, Reason: "cannot be used together with data_sample_strategy goss"}
	case l.goss && (l.top+l.other > 1 || l.top == 0 || l.other == 0):
		return &learn.ParamError{Name: "other_rate", Value: l.other, Reason: "top_rate and other_rate must be more than 0, and 1 or less together"}
	case l.goss:
		r.bag = &goss{top: l.top, other: l.other, from: int(1 / p.eta), seed: seed}
	case l.freq > 0 && byClass:
		r.bag = &lightBag{positive: l.positive, negative: l.negative, every: l.freq, seed: seed}
	case l.freq > 0 && l.fraction < 1:
		r.bag = &lightBag{share: l.fraction, every: l.freq, seed: seed}
	}
	switch l.boosting {
	case "rf":
		if !l.goss && !(l.freq > 0 && l.fraction < 1) && l.share >= 1 {
			return &learn.ParamError{Name: "boosting", Value: "rf", Reason: "needs bagging_freq above 0 and a bagging_fraction below 1, or a feature_fraction below 1"}
		}
		r.average, r.untilStuck = true, false
		r.params.eta = 1
	case "dart":
		r.light.dart = &lightDart{lightDropout: l.dart, random: lightRandom(r.light.seeds.drop), eta: p.eta}
	}
	return nil
}
