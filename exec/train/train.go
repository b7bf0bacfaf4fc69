package train

import (
	"context"
	"math/rand/v2"
	"time"

	"go.uber.org/zap"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/learn"
	"github.com/pgowl/pgowl/models/store"
)

// Publisher is told of a model before its transaction commits, so that a prediction in that transaction finds it. The
// transaction may still be rolled back; a model id comes from a sequence and does not come again.
type Publisher interface {
	Publish(modelID int64, header store.Header, model learn.Model)
}

// Train does what pgml.train does (see the package comment). Errors are *function.Error, or those of the session as they
// are. models may be nil.
func Train(ctx context.Context, s function.Session, req Request, models Publisher, log *zap.Logger) (Result, error) {
	return TrainOn(ctx, s, req, nil, models, log)
}

// TrainOn is Train with what was read before the statement began; nil is nothing. It must have been read for these arguments (see Ahead.Is).
func TrainOn(ctx context.Context, s function.Session, req Request, ahead *Ahead, models Publisher, log *zap.Logger) (Result, error) {
	r := &run{s: s, req: req, ahead: ahead, models: models, log: log, now: time.Now, seed: rand.Uint64}
	return r.train(ctx)
}

// run is one call of Train.
type run struct {
	s      function.Session
	req    Request
	ahead  *Ahead     // until it is used; nil for nothing
	task   learn.Task // once the project is found
	models Publisher
	log    *zap.Logger
	now    func() time.Time
	seed   func() uint64 // of the split, and of all other chance
	search *search       // once the arguments have been checked
}

func (r *run) info(text string) { r.s.Message(function.Info, text) }
func (r *run) warn(text string) { r.s.Message(function.Warning, text) }

func (r *run) train(ctx context.Context) (Result, error) {
	if err := r.checkArguments(); err != nil {
		return Result{}, err
	}
	p, err := r.findProject(ctx)
	if err != nil {
		return Result{}, err
	}
	r.task = p.Task
	snap, err := r.findSnapshot(ctx, p)
	if err != nil {
		return Result{}, err
	}
	if err := r.groupBy(snap); err != nil {
		return Result{}, err
	}
	m, err := r.newModel(ctx, p, snap)
	if err != nil {
		return Result{}, err
	}
	data, err := r.read(ctx, p, snap)
	if err != nil {
		return Result{}, err
	}
	if err := r.groups(data); err != nil {
		return Result{}, err
	}
	m.lineage = lineageOf(snap, data, r.now())
	if err := r.analyze(ctx, snap, data); err != nil {
		return Result{}, err
	}
	h := header(p, r.req.Algorithm, nil, data)
	data.train.Names = h.FeatureNames() // for hyperparameters that name features
	if err := r.fit(ctx, p, m, data); err != nil {
		return Result{}, err
	}
	if err := r.save(ctx, m); err != nil {
		return Result{}, err
	}
	deployed, err := r.deploy(ctx, p, m)
	if err != nil {
		return Result{}, err
	}
	r.log.Info("model trained", zap.Int64("model", m.id), zap.String("algorithm", r.req.Algorithm),
		zap.Int("rows", data.train.Rows), zap.Int("features", data.train.Features),
		zap.Duration("fit", m.fitTime), zap.Bool("deployed", deployed))
	return Result{Project: r.req.Project, Task: taskText(p.Task), Algorithm: r.req.Algorithm, Deployed: deployed, Rows: data.train.Rows}, nil
}
