package exec

import (
	"context"
	"encoding/json"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/exec/train"
)

// callSnapshot does what pgml.snapshot does. The argument is an object, as that of train.
func (e *Engine) callSnapshot(ctx context.Context, s function.Session, args [][]byte) (string, int, error) {
	if len(args) != 1 {
		return "", 0, errArguments
	}
	request, err := train.DecodeSnapshot(args[0])
	if err != nil {
		return "", 0, err
	}
	result, err := train.TakeSnapshot(ctx, s, request, e.log)
	if err != nil {
		return "", 0, err
	}
	row, err := json.Marshal(result)
	return string(row), result.Rows, err
}
