package exec

import (
	"context"
	"errors"
	"strconv"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/text"
	"go.uber.org/zap"
)

// callClearGPU takes the fraction of a GPU's memory from which on its models are to go, as text; empty: whatever is in use. It gives whether they went.
func (e *Engine) callClearGPU(ctx context.Context, _ function.Session, args [][]byte) (string, int, error) {
	if len(args) != 1 {
		return "", 0, errArguments
	}
	fraction := 0.0
	if len(args[0]) > 0 {
		var err error
		if fraction, err = strconv.ParseFloat(string(args[0]), 32); err != nil || !(fraction >= 0) {
			return "", 0, function.Errorf("22023", "memory_usage must be a number from 0 to 1, not %.40s", args[0])
		}
	}
	cleared, err := e.texts.ClearGPU(ctx, fraction)
	var none *text.NoGPUError
	switch {
	case errors.As(err, &none):
		// PostgresML's own words; the reason is more.
		return "", 0, &function.Error{Code: "XX000", Message: "No GPU available", Detail: none.Err.Error()}
	case err != nil:
		return "", 0, textError(err)
	}
	return strconv.FormatBool(cleared), 1, nil
}

// chosen logs where text models run.
func (e *Engine) chosen(device text.Device, model string, err error) {
	switch {
	case model != "":
		e.log.Warn("a text model runs on the processors, as it could not be loaded onto the GPU", zap.String("model", model), zap.Error(err))
	case err != nil:
		e.log.Warn("text models run on the processors, as the GPU cannot be used", zap.Error(err))
	default:
		e.log.Info("device of text models", zap.String("device", string(device)))
	}
}
