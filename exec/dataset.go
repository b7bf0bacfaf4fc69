package exec

import (
	"context"
	"encoding/json"

	"github.com/pgowl/pgowl/exec/dataset"
	"github.com/pgowl/pgowl/exec/function"
)

// callLoadDataset takes its arguments as an object, and gives the row as one.
func (e *Engine) callLoadDataset(ctx context.Context, s function.Session, args [][]byte) (string, int, error) {
	var request dataset.Request
	if len(args) != 1 || json.Unmarshal(args[0], &request) != nil {
		return "", 0, errArguments
	}
	result, err := dataset.Load(ctx, s, request)
	if err != nil {
		return "", 0, err
	}
	row, err := json.Marshal(result)
	return string(row), result.Rows, err
}
