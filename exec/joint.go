package exec

import (
	"context"

	"github.com/pgowl/pgowl/exec/function"
)

func (e *Engine) callJoint(ctx context.Context, s function.Session, args [][]byte) (string, int, error) {
	model, features, err := e.modelAndFeatures(ctx, s, args)
	if err != nil {
		return "", 0, err
	}
	v, err := model.Joint(features)
	return string(appendReals(nil, v)), max(1, len(features)/max(1, model.Features())), err
}
