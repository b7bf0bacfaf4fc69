package exec

import (
	"context"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/exec/train"
	"github.com/pgowl/pgowl/models/learn"
	"github.com/pgowl/pgowl/models/store"
)

func (e *Engine) callEvaluate(ctx context.Context, s function.Session, args [][]byte) (string, int, error) {
	if len(args) != 1 {
		return "", 0, errArguments
	}
	request, err := train.DecodeEvaluation(args[0])
	if err != nil {
		return "", 0, err
	}
	metrics, rows, err := train.Evaluate(ctx, s, request, func(ctx context.Context, id int64) (store.Header, learn.Model, error) {
		m, err := e.model(ctx, id, s)
		if err != nil {
			return store.Header{}, nil, err
		}
		return m.Header, m.Engine(), nil
	})
	return string(metrics), rows, err
}
