package train

import (
	"context"
	"fmt"
	"time"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/bygroup"
	"github.com/pgowl/pgowl/models/learn"
)

// attempt is one fit, and how it scored.
type attempt struct {
	fitted    learn.Model
	metrics   []metric
	fitTime   time.Duration
	scoreTime time.Duration
}

// fit finds the hyperparameters, trains on the training part and scores on the test part.
//
// With two folds or more each candidate is fitted on all folds but one and scored on that one, for each of them; the one with the best mean of the
// task's key metric is fitted again on the whole training part. The test part then tells how good it is: nothing has been chosen by it. Without folds
// there is nothing but the test part to choose by, so a search of several candidates reports a figure that is better than the truth by what the
// choice was worth, as PostgresML's does.
func (r *run) fit(ctx context.Context, p project, m *model, data *dataset) error {
	s := r.search
	s.draw(data.seed)
	r.info(fmt.Sprintf("Training Model { id: %d, task: %s, algorithm: %s, runtime: %s }", m.id, p.Task, r.req.Algorithm, r.runtime()))
	r.info(fmt.Sprintf("Hyperparameter searches: %d, cross validation folds: %d", s.count(), s.folds))
	train, test := data.samples()
	if s.count() > 1 && s.folds == 1 && test.Rows == 0 {
		return function.Errorf("22023", "pgml.train: a search without cross validation needs a test part to choose by").
			WithHint("Set search_args => '{\"cv\": 5}', or a test_size above 0.")
	}
	f := &fitting{run: r, task: p.Task, model: m, progress: newProgress(r, m.id, s)}
	var best attempt
	var winner int
	var found *results
	var err error
	switch {
	case s.one():
		best, err = f.try(ctx, s.candidate(0), train, test)
	case s.folds == 1:
		best, winner, found, err = f.choose(ctx, s, train, test)
	default:
		if winner, found, err = f.crossValidate(ctx, s, train, data.seed); err == nil {
			best, err = f.try(ctx, s.candidate(winner), train, test)
		}
	}
	if err != nil {
		return err
	}
	if g, ok := best.fitted.(*bygroup.Model); ok {
		r.info(fmt.Sprintf("Groups: %d values of \"%s\" have a model of their own", g.Groups(), data.group.column))
		if refused, why := g.Refused(); refused > 0 {
			r.warn(fmt.Sprintf("The rows of %d values of \"%s\" cannot be learned from by themselves, and are predicted by the model of all rows: %v", refused, data.group.column, why))
		}
	}
	m.fitted, m.metrics, m.fitTime, m.results = best.fitted, best.stored(), best.fitTime, found
	m.hyperparams = s.candidate(winner)
	m.features, m.ranked = train.Features, train.Queries != nil
	m.header = header(p, r.req.Algorithm, m.hyperparams, data)
	return nil
}

// fitting is the work on one model.
type fitting struct {
	*run
	task     learn.Task
	model    *model
	progress *progress
}

// choose fits each candidate on the training part and keeps the one that scores best on the test part.
func (f *fitting) choose(ctx context.Context, s *search, train, test *sample) (best attempt, winner int, found *results, err error) {
	found = newResults(s, keyMetric(f.task, train.Queries != nil))
	for i := range s.count() {
		a, err := f.try(ctx, s.candidate(i), train, test)
		if err != nil {
			return attempt{}, 0, nil, err
		}
		found.add(i, &a)
		if winner = found.best(); winner == i {
			best = a
		}
		f.progress.scored(found)
	}
	return best, winner, found, nil
}

// crossValidate scores each candidate on each fold.
func (f *fitting) crossValidate(ctx context.Context, s *search, train *sample, seed uint64) (winner int, found *results, err error) {
	fold, err := folds(train.Y, train.Classes, s.folds, seed)
	if err == nil && train.Queries != nil {
		fold, err = foldQueries(train.Queries, s.folds, seed)
	}
	if err != nil {
		return 0, nil, err
	}
	found = newResults(s, keyMetric(f.task, train.Queries != nil))
	var most, held sample
	for i := range s.count() {
		for k := range int32(s.folds) {
			train.pick(&most, func(row int) bool { return fold[row] != k })
			train.pick(&held, func(row int) bool { return fold[row] == k })
			a, err := f.try(ctx, s.candidate(i), &most, &held)
			if err != nil {
				return 0, nil, err
			}
			found.add(i, &a)
		}
		f.progress.scored(found)
	}
	return found.best(), found, nil
}

// try fits and scores once.
func (f *fitting) try(ctx context.Context, hyperparams map[string]any, train, test *sample) (attempt, error) {
	f.info("Hyperparams: " + pretty(hyperparams))
	f.progress.begin()
	start := f.now()
	fitted, err := f.model.train(ctx, train, f.task, defaults(f.req.Algorithm, f.runtime(), hyperparams), f.progress.round)
	if err != nil {
		return attempt{}, engineError(ctx, err)
	}
	a := attempt{fitted: fitted, fitTime: f.now().Sub(start)}
	f.progress.end()
	f.info(fmt.Sprintf("Testing %s estimator %s", f.task, f.req.Algorithm))
	start = f.now()
	a.metrics = score(fitted, test)
	a.scoreTime = f.now().Sub(start)
	f.info("Metrics: " + prettyMetrics(a.stored()))
	return a, nil
}

// stored are the metrics as messages and the registry have them, with the times.
func (a *attempt) stored() []metric {
	return append(a.metrics[:len(a.metrics):len(a.metrics)],
		metric{"fit_time", a.fitTime.Seconds()}, metric{"score_time", a.scoreTime.Seconds()})
}
