package exec

import (
	"context"
	"encoding/json"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/exec/predict"
)

// callLabel gives the label of a prediction from an array of features.
func (e *Engine) callLabel(ctx context.Context, s function.Session, args [][]byte) (string, int, error) {
	model, features, err := e.modelAndFeatures(ctx, s, args)
	return labelOf(model, features, err)
}

// callLabelRow gives it from a row, as pgowl.row_text writes it.
func (e *Engine) callLabelRow(ctx context.Context, s function.Session, args [][]byte) (string, int, error) {
	model, features, err := e.modelAndRow(ctx, s, args)
	return labelOf(model, features, err)
}

// labelOf gives a label as JSON: it may be empty, which as it is would be NULL.
func labelOf(model *predict.Model, features []float32, err error) (string, int, error) {
	if err != nil {
		return "", 0, err
	}
	label, err := model.Label(features)
	if err != nil {
		return "", 0, err
	}
	text, err := json.Marshal(label)
	return string(text), 1, err
}
