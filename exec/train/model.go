package train

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models"
	"github.com/pgowl/pgowl/models/bygroup"
	"github.com/pgowl/pgowl/models/joint"
	"github.com/pgowl/pgowl/models/learn"
	"github.com/pgowl/pgowl/models/store"
)

// model is the row of pgml.models that is being made, and what belongs to it.
type model struct {
	id          int64
	trainer     learn.Trainer
	features    int
	ranked      bool           // its rows were of queries
	hyperparams map[string]any // of the winner
	metrics     []metric
	results     *results // of a search, else nil
	fitTime     time.Duration
	lineage     any // what is added to pgml.models.lineage: a lineage, or what an import says
	header      store.Header
	fitted      learn.Model
}

const (
	newModel = `
INSERT INTO pgml.models (project_id, snapshot_id, num_features, algorithm, runtime, hyperparams, status, search, search_params, search_args,
	trained_by, engine, lineage)
VALUES (($1->>'project')::bigint, ($1->>'snapshot')::bigint, 0, $1->>'algorithm', ($1->>'runtime')::pgml.runtime,
	$1->'hyperparams', 'in_progress', nullif($1->>'search', ''), $1->'search_params', $1->'search_args',
	-- Who asks is what SET ROLE says, wherever this runs; without one, who logged in.
	coalesce(nullif(current_setting('role'), 'none'), session_user::text), $1->>'engine',
	jsonb_build_object('session_user', session_user, 'pg_snapshot', pg_current_snapshot()::text))
RETURNING id`

	newFile = `
INSERT INTO pgml.files (model_id, path, part, data)
VALUES (($1->>'model')::bigint, 'estimator.rmp', ($1->>'part')::integer, decode($1->>'data', 'base64'))
RETURNING id`

	finishedModel = `
UPDATE pgml.models SET num_features = ($1->>'features')::integer, hyperparams = $1->'hyperparams', metrics = $1->'metrics',
	lineage = lineage || ($1->'lineage'), status = 'successful'
WHERE id = ($1->>'id')::bigint RETURNING id`

	// partSize keeps a part's argument, as base64, at 16 MB.
	partSize = 12 << 20
)

// newModel checks that the algorithm can do the task, and inserts the model's row.
func (r *run) newModel(ctx context.Context, p project, snap *snapshot) (*model, error) {
	trainer, err := models.Trainer(r.req.Algorithm, p.Task)
	if err != nil {
		return nil, engineError(ctx, err)
	}
	row, err := one[idRow](ctx, r.s, newModel, map[string]any{
		"project": p.ID, "snapshot": snap.id, "algorithm": r.req.Algorithm, "runtime": r.runtime(),
		"hyperparams": object(r.req.Hyperparams), "search": r.req.Search, "search_params": object(r.req.SearchParams), "search_args": object(r.req.SearchArgs),
		"engine": engineVersion(),
	})
	if err != nil {
		return nil, err
	}
	return &model{id: row.ID, trainer: trainer}, nil
}

// partRoles are the arguments that the parts of a data set come from.
var partRoles = map[learn.Part]role{learn.Weights: weighs, learn.Queries: asks, learn.Upper: bounded}

func object(text json.RawMessage) json.RawMessage {
	if len(text) == 0 {
		return json.RawMessage("{}")
	}
	return text
}

// train fits once: a model, or one for each label of a joint training, or for each group.
func (m *model) train(ctx context.Context, rows *sample, task learn.Task, hyperparams map[string]any, progress learn.Progress) (learn.Model, error) {
	if len(rows.others) > 0 {
		return joint.Train(ctx, m.trainer, &rows.Dataset, rows.others, hyperparams, progress)
	}
	if g := rows.group; g != nil {
		return bygroup.Train(ctx, m.trainer, &rows.Dataset, g.feature, g.none, task, hyperparams, progress)
	}
	return m.trainer(ctx, &rows.Dataset, task, hyperparams, progress)
}

// engineError makes an error for the client of one from the engines.
func engineError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var known *function.Error
	var missing *models.NotAvailable
	var unsupported *models.Unsupported
	var param *learn.ParamError
	var groups *bygroup.TooMany
	var unused *learn.UnusedError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &unused):
		return function.Errorf("0A000", "pgml.train: %v in PgOwl, and %s names a column", unused, partRoles[unused.Part])
	case errors.As(err, &missing):
		return unavailable("algorithm", missing.Algorithm)
	case errors.As(err, &unsupported):
		return function.Errorf("XX000", "%v", unsupported)
	case errors.As(err, &groups):
		return function.Errorf("54000", "pgml.train: %v", groups)
	case errors.As(err, &param):
		switch {
		case strings.HasSuffix(param.Reason, "not available yet"):
			return function.Errorf("0A000", "pgml.train: %v in PgOwl", param)
		case param.Reason != "":
			return function.Errorf("22023", "%v", param)
		}
		value, _ := json.Marshal(param.Value)
		e := function.Errorf("XX000", "Unknown hyperparameter %q: %s", param.Name, clip(string(value), 200))
		if param.Nearest != "" {
			e.Hint = fmt.Sprintf("Perhaps you meant the hyperparameter %q.", param.Nearest)
		}
		return e
	}
	return function.Errorf("XX000", "pgml.train: %v", err)
}

// defaults adds what PostgresML's python runtime does differently from the rust one: the XGBoost package's own number of rounds.
func defaults(algorithm, runtime string, given map[string]any) map[string]any {
	if algorithm != "xgboost" || runtime != "python" || given["n_estimators"] != nil || given["boost_rounds"] != nil {
		return given
	}
	all := map[string]any{"n_estimators": float64(100)}
	for k, v := range given {
		all[k] = v
	}
	return all
}

// save writes the model's file and its row, and makes it known to the proxy.
func (r *run) save(ctx context.Context, m *model) error {
	file, err := store.Encode(m.header, m.fitted)
	if err != nil {
		return engineError(ctx, err)
	}
	part := 0
	for data := range slices.Chunk(file, partSize) {
		_, err := one[idRow](ctx, r.s, newFile, map[string]any{
			"model": m.id, "part": part, "data": base64.StdEncoding.EncodeToString(data),
		})
		if err != nil {
			return err
		}
		part++
	}
	hyperparams := m.hyperparams
	if hyperparams == nil { // JSON's null is not an object
		hyperparams = map[string]any{}
	}
	metrics := map[string]any{}
	for _, v := range m.metrics {
		metrics[v.name] = number(v.value)
	}
	if m.results != nil {
		metrics["search_results"] = m.results.object()
	}
	if _, err := one[idRow](ctx, r.s, finishedModel, map[string]any{
		"id": m.id, "features": m.features, "hyperparams": hyperparams, "metrics": metrics, "lineage": m.lineage,
	}); err != nil {
		return err
	}
	if r.models != nil {
		r.models.Publish(m.id, m.header, m.fitted)
	}
	return nil
}
