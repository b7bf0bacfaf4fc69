package train

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"time"

	"go.uber.org/zap"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/learn"
)

// Taken is the one row that pgml.snapshot returns.
type Taken struct {
	Relation string `json:"relation"`
	Label    string `json:"y_column_name"`
	Rows     int    `json:"-"` // that were copied
}

// DecodeSnapshot reads the arguments of pgml.snapshot, which have the names of pgml.train's. It fails with SQLSTATE 22023 (22004 for NULL where a name
// is needed).
func DecodeSnapshot(jsonArgs []byte) (Request, error) {
	var args map[string]json.RawMessage
	if err := json.Unmarshal(jsonArgs, &args); err != nil {
		return Request{}, function.Errorf("22023", "pgml.snapshot: the arguments cannot be read: %v", err)
	}
	if args == nil {
		args = map[string]json.RawMessage{}
	}
	args["project_name"] = json.RawMessage(`""`)
	text, err := json.Marshal(args)
	if err != nil {
		return Request{}, function.Errorf("22023", "pgml.snapshot: the arguments cannot be read: %v", err)
	}
	req, err := Decode(text)
	if err != nil {
		return Request{}, err
	}
	if req.Relation == nil || req.Label == nil {
		return Request{}, function.Errorf("22004", "pgml.snapshot: relation_name and y_column_name must not be NULL")
	}
	req.Materialize = true
	return req, nil
}

// TakeSnapshot does what pgml.snapshot does: it copies the relation into the registry, with what is to be preprocessed. The statistics of its columns come
// with a training, which knows what is learned from them.
func TakeSnapshot(ctx context.Context, s function.Session, req Request, log *zap.Logger) (Taken, error) {
	r := &run{s: s, req: req, log: log, now: time.Now, seed: rand.Uint64}
	snap, err := r.makeSnapshot(ctx, learn.Classification) // any column that may be a label of either task may be one of this
	if err != nil {
		return Taken{}, err
	}
	counts, err := query[struct {
		N int `json:"n"`
	}](ctx, s, function.Owner, "SELECT count(*) AS n FROM "+snap.from.SQL(), nil)
	if err != nil || len(counts) != 1 {
		return Taken{}, err
	}
	_, err = one[idRow](ctx, s, analyzedSnapshot, map[string]any{"id": snap.id, "columns": snap.columns(), "analysis": map[string]any{"samples": counts[0].N}})
	return Taken{Relation: *req.Relation, Label: *req.Label, Rows: counts[0].N}, err
}
