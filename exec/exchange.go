package exec

import (
	"context"
	"encoding/base64"
	"encoding/binary"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/exec/train"
)

// callImport takes a project's name, a task, a format, a model's file, and a byte that says whether to deploy it. It gives the new model's id.
func (e *Engine) callImport(ctx context.Context, s function.Session, args [][]byte) (string, int, error) {
	if len(args) != 5 || len(args[4]) != 1 {
		return "", 0, errArguments
	}
	for i, name := range []string{"project_name", "", "format", "model"} {
		if name != "" && args[i] == nil {
			return "", 0, function.Errorf("22004", "pgml.import_model: %s must not be NULL", name)
		}
	}
	req := train.ImportRequest{Project: string(args[0]), Format: string(args[2]), Model: args[3], Deploy: args[4][0] != 0}
	if args[1] != nil {
		task := string(args[1])
		req.Task = &task
	}
	id, err := train.Import(ctx, s, req, e.models, e.log)
	return string(itoa(id)), 1, err
}

// callExport takes a model and a format. It gives the file in base64.
func (e *Engine) callExport(ctx context.Context, s function.Session, args [][]byte) (string, int, error) {
	if len(args) != 2 || len(args[0]) != 8 {
		return "", 0, errArguments
	}
	model, err := e.model(ctx, int64(binary.BigEndian.Uint64(args[0])), s)
	if err != nil {
		return "", 0, err
	}
	file, err := train.Export(string(args[1]), model.Header, model.Engine())
	return base64.StdEncoding.EncodeToString(file), 1, err
}
