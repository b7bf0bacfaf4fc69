package gbdt

import (
	"context"
	"fmt"

	"github.com/pgowl/pgowl/models/learn"
)

var _, _ learn.Trainer = TrainHistGradientBoosting, TrainGradientBoosting

// TrainHistGradientBoosting fits boosted trees by the rules of scikit-learn's HistGradientBoostingRegressor and -Classifier. It is a learn.Trainer; the
// hyperparameters are theirs. Features that data.Categorical or the hyperparameter categorical_features names are split by sets of categories, as LightGBM
// does it.
func TrainHistGradientBoosting(ctx context.Context, data *learn.Dataset, task learn.Task, hyperparams map[string]any, progress learn.Progress) (learn.Model, error) {
	p := histDefaults()
	if _, err := histTable.read(&p, hyperparams); err != nil {
		return nil, err
	}
	return p.trainScikit(ctx, data, task, progress, p.histRecipe)
}

// TrainGradientBoosting fits boosted trees by the rules of scikit-learn's GradientBoostingRegressor and -Classifier: small trees on the gradients alone, whose
// leaves then take a Newton step. It is a learn.Trainer; the hyperparameters are theirs. Features with more than 256 values are cut into so many bins, where
// scikit-learn tries every value; missing values, which it refuses, are sent where the rows are more.
func TrainGradientBoosting(ctx context.Context, data *learn.Dataset, task learn.Task, hyperparams map[string]any, progress learn.Progress) (learn.Model, error) {
	p := gradientDefaults()
	if _, err := gradientTable.read(&p, hyperparams); err != nil {
		return nil, err
	}
	return p.trainScikit(ctx, data, task, progress, p.gradientRecipe)
}

func (p *params) trainScikit(ctx context.Context, d *learn.Dataset, task learn.Task, progress learn.Progress,
	recipeOf func(d *learn.Dataset, task learn.Task) (*recipe, error)) (learn.Model, error) {
	if err := valid(d, task); err != nil {
		return nil, fmt.Errorf("gbdt: %w", err)
	}
	r, err := recipeOf(d, task)
	if err != nil {
		return nil, err
	}
	return r.train(ctx, d, progress)
}

// scikitRecipe is what both have in common.
func (p *params) scikitRecipe(d *learn.Dataset) *recipe {
	s := &p.scikit
	r := &recipe{params: *p, bag: allRows{}, groups: 1, objective: squaredError, scale: 1}
	r.params.colNode = s.featureShare(d.Features)
	r.rules = leafRules{
		minData: s.minLeaf.of(d.Rows), minSplit: s.minSplit.of(d.Rows), maxDepth: p.maxDepth, minGain: s.minGain * float64(d.Rows), l2: s.l2,
		fromLow: true, larger: true,
		cat: catRules{smooth: 10, maxThreshold: maxBins, minGroup: 1},
	}
	if d.Weights != nil {
		total := 0.0
		for _, w := range d.Weights {
			total += float64(w)
		}
		r.rules.minGain = s.minGain * total
	}
	if p.maxLeaves == 0 && p.lossGuide {
		r.params.lossGuide = false // no limit: the order means nothing
	}
	return r
}

// scikitLoss checks that the loss fits the task, and gives its name.
func (p *params) scikitLoss(d *learn.Dataset, task learn.Task) (string, error) {
	name := p.scikit.loss
	bad := func(format string, args ...any) (string, error) {
		return "", &learn.ParamError{Name: "loss", Value: name, Reason: fmt.Sprintf(format, args...)}
	}
	if name == "" {
		if name = "squared_error"; task == learn.Classification {
			name = "log_loss"
		}
	}
	classes := name == "log_loss" || name == "exponential"
	switch {
	case classes && task != learn.Classification:
		return bad("%q is for classification", name)
	case !classes && task == learn.Classification:
		return bad("%q is for regression", name)
	case name == "exponential" && d.Classes != 2:
		return bad("%q needs 2 classes, the labels have %d", name, d.Classes)
	}
	objective := map[string]objectiveID{"poisson": poisson, "gamma": gammaDeviance}[name]
	if reason := objective.unfit(d.Y); reason != "" {
		return bad("%s", reason)
	}
	return name, nil
}

func (p *params) histRecipe(d *learn.Dataset, task learn.Task) (*recipe, error) {
	s := &p.scikit
	r := p.scikitRecipe(d)
	r.rules.minHessian = 1e-3
	categorical, err := joinCategories(d, "categorical_features", s.categorical)
	if err != nil {
		return nil, err
	}
	r.cut = scikitCutter(p.maxBin, categorical)
	r.cutWeighted = func(weights []float32) cutter { return weightedScikitCutter(p.maxBin, categorical, weights) }
	name, err := p.scikitLoss(d, task)
	if err != nil {
		return nil, err
	}
	switch name {
	case "squared_error":
		r.loss = squaredLoss()
	case "absolute_error":
		r.loss = &quantileLoss{alpha: .5, of: linearQuantile, ofWeighted: lowerWeighted, slope: absoluteSlope}
	case "quantile":
		if s.quantile < 0 {
			return nil, &learn.ParamError{Name: "quantile", Value: nil, Reason: "must be given for the loss quantile"}
		}
		r.loss = &quantileLoss{alpha: s.quantile, of: linearQuantile, ofWeighted: lowerWeighted, slope: upperPinball(s.quantile)}
	case "poisson":
		r.loss, r.objective = poissonLoss(0), poisson
	case "gamma":
		r.loss, r.objective = gammaLoss(), gammaDeviance
	default:
		r.logLoss(d)
	}
	r.rules.counted = r.objective != squaredError || d.Weights != nil
	if s.stopping == "true" || s.stopping == "auto" && d.Rows > 10000 {
		share := s.validation.share
		if share == 0 {
			share = float64(s.validation.count) / float64(d.Rows)
		}
		r.holdout = min(share, 1)
		r.stopper = &stopper{patience: s.patience, delta: s.tolerance, sliding: true}
		switch name { // of which losses there are twice, or half
		case "squared_error":
			r.stopper.delta *= 2
		case "absolute_error":
			r.stopper.delta /= 2
		}
	}
	return r, nil
}

// logLoss is that of two classes or more.
func (r *recipe) logLoss(d *learn.Dataset) {
	if d.Classes == 2 {
		r.loss, r.objective = entropyLoss(), logistic
		return
	}
	r.loss, r.objective, r.groups = &softmaxLoss{d.Classes, 1}, softmax, d.Classes
}

// absoluteSlope is 1 above the label and -1 elsewhere, as in scikit-learn.
func absoluteSlope(residual float64) float64 {
	if residual > 0 {
		return 1
	}
	return -1
}

// upperPinball is pinball, but for a residual of 0.
func upperPinball(alpha float64) func(residual float64) float64 {
	return func(residual float64) float64 {
		if residual > 0 {
			return 1 - alpha
		}
		return -alpha
	}
}

func (p *params) gradientRecipe(d *learn.Dataset, task learn.Task) (*recipe, error) {
	s := &p.scikit
	r := p.scikitRecipe(d)
	r.cut = scikitCutter(p.maxBin, nil)
	name, err := p.scikitLoss(d, task)
	if err != nil {
		return nil, err
	}
	switch name {
	case "squared_error":
		r.loss = squaredLoss()
	case "absolute_error":
		r.loss = &quantileLoss{alpha: .5, of: linearQuantile, leafOf: lowerQuantile, ofWeighted: lowerWeighted, slope: absoluteSlope}
	case "quantile":
		r.loss = &quantileLoss{alpha: s.quantile, of: linearQuantile, leafOf: lowerQuantile, ofWeighted: lowerWeighted, slope: upperPinball(s.quantile)}
	case "huber":
		r.loss = &quantileHuber{alpha: s.quantile}
	case "exponential":
		r.loss, r.objective, r.scale = newtonLeaves(exponentialLoss(), d.Rows, 1), logistic, 2
	default:
		r.logLoss(d)
		r.loss = newtonLeaves(r.loss, d.Rows, r.groups)
	}
	r.rules.counted = d.Weights != nil
	if p.subsample < 1 {
		r.bag = exactBag{p.subsample, p.seed}
	}
	if s.patience > 0 {
		r.holdout = s.validation.share
		r.stopper = &stopper{patience: s.patience, delta: s.tolerance}
		if name == "absolute_error" || name == "log_loss" && d.Classes == 2 { // of which losses there are half
			r.stopper.delta /= 2
		}
	}
	return r, nil
}
