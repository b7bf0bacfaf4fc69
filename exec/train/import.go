package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/bygroup"
	"github.com/pgowl/pgowl/models/exchange"
	"github.com/pgowl/pgowl/models/joint"
	"github.com/pgowl/pgowl/models/learn"
	"github.com/pgowl/pgowl/models/store"
)

// ImportRequest holds the arguments of pgml.import_model.
type ImportRequest struct {
	Project string
	Task    *string // nil where the project's own is meant
	Format  string
	Model   []byte
	Deploy  bool
}

// importedDeployment deploys a model because somebody said so.
const importedDeployment = `SELECT pgowl.record_deployment(($1->>'project')::bigint, ($1->>'model')::bigint, 'specific') AS id`

// Import does what pgml.import_model does: it makes a model of a project from another library's file, as if it had been trained. It gives the model's
// id. Errors are *function.Error (22023 for a file that is not sound, 0A000 for what has no counterpart here), or those of the session as they are. models
// may be nil.
func Import(ctx context.Context, s function.Session, req ImportRequest, models Publisher, log *zap.Logger) (int64, error) {
	r := &run{s: s, req: Request{Project: req.Project, Task: req.Task}, models: models, log: log, now: time.Now}
	if err := checkFormat("import_model", req.Format); err != nil {
		return 0, err
	}
	p, err := r.findProject(ctx)
	if err != nil {
		return 0, err
	}
	file, err := exchange.Read(exchange.Format(req.Format), req.Model, p.Task)
	if err != nil {
		return 0, exchangeError("import_model", err)
	}
	r.req.Algorithm = file.Algorithm
	if r.req.Hyperparams, err = json.Marshal(file.Hyperparams); err != nil {
		return 0, function.Errorf("XX000", "pgml.import_model: %v", err)
	}
	row, err := one[idRow](ctx, s, newModel, map[string]any{
		"project": p.ID, "snapshot": nil, "algorithm": r.req.Algorithm, "runtime": r.runtime(),
		"hyperparams": r.req.Hyperparams, "search_params": object(nil), "search_args": object(nil),
		"engine": engineVersion(),
	})
	if err != nil {
		return 0, err
	}
	m := &model{id: row.ID, features: file.Model.Features(), header: importedHeader(p.Task, file), fitted: file.Model, hyperparams: file.Hyperparams,
		lineage: map[string]any{"format": req.Format, "bytes": len(req.Model)}}
	if err := r.save(ctx, m); err != nil {
		return 0, err
	}
	if req.Deploy {
		args := map[string]any{"project": p.ID, "model": m.id}
		if _, err := one[idRow](ctx, s, lockProject, args); err != nil {
			return 0, err
		}
		if _, err := one[idRow](ctx, s, importedDeployment, args); err != nil {
			return 0, err
		}
		r.info(fmt.Sprintf("Deploying model id: %d", m.id))
	}
	log.Info("model imported", zap.Int64("model", m.id), zap.String("algorithm", r.req.Algorithm), zap.Int("features", m.features), zap.Bool("deployed", req.Deploy))
	return m.id, nil
}

// manyNames is the number of names from which on they are left out: a table has fewer columns.
const manyNames = 1 << 14

// importedHeader says of an imported model what training says of others. Its features are columns with the names of the file, or one array; classes are
// 0, 1 and so on.
func importedHeader(task learn.Task, file *exchange.File) store.Header {
	h := store.Header{
		Algorithm:   file.Algorithm,
		Task:        task,
		Label:       store.Label{Column: "label", Kind: store.Float},
		Hyperparams: file.Hyperparams,
		Engine:      engineVersion(),
	}
	if n := file.Model.Classes(); n > 0 {
		h.Label.Kind = store.Int
		for i := range n {
			h.Label.Classes = append(h.Label.Classes, strconv.Itoa(i))
		}
	}
	if len(file.Names) == 0 || len(file.Names) > manyNames {
		h.Features = []store.Feature{{Name: "features", Type: "_float4", Width: file.Model.Features()}}
		return h
	}
	for _, name := range file.Names {
		h.Features = append(h.Features, store.Feature{Name: name, Type: "float4", Width: 1})
	}
	return h
}

func checkFormat(fn, format string) error {
	names := make([]string, len(exchange.Formats))
	for i, f := range exchange.Formats {
		if names[i] = string(f); names[i] == format {
			return nil
		}
	}
	return function.Errorf("22023", "pgml.%s: there is no format %q", fn, clip(format, 60)).WithHint("The formats are " + strings.Join(names, ", ") + ".")
}

// exchangeError makes an error for the client of one from package exchange.
func exchangeError(fn string, err error) error {
	var unsupported *exchange.Unsupported
	if errors.As(err, &unsupported) {
		return function.Errorf("0A000", "pgml.%s: %s is not available in PgOwl", fn, unsupported.What)
	}
	return function.Errorf("22023", "pgml.%s: %v", fn, err)
}

// Export writes a model as pgml.export_model does.
func Export(format string, h store.Header, m learn.Model) ([]byte, error) {
	if err := checkFormat("export_model", format); err != nil {
		return nil, err
	}
	switch m.(type) {
	case *joint.Model:
		return nil, function.Errorf("0A000", "pgml.export_model: a model of several labels is not available in PgOwl")
	case *bygroup.Model:
		return nil, function.Errorf("0A000", "pgml.export_model: a model of groups is not available in PgOwl")
	}
	data, err := exchange.Write(exchange.Format(format), m, h.FeatureNames())
	if err != nil {
		return nil, exchangeError("export_model", err)
	}
	return data, nil
}
