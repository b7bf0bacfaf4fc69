package exec

import (
	"context"
	"encoding/binary"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/exec/predict"
)

// modelAndFeatures reads the arguments of the predictions.
func (e *Engine) modelAndFeatures(ctx context.Context, s function.Session, args [][]byte) (*predict.Model, []float32, error) {
	if len(args) != 2 || len(args[0]) != 8 {
		return nil, nil, errArguments
	}
	model, err := e.model(ctx, int64(binary.BigEndian.Uint64(args[0])), s)
	if err != nil {
		return nil, nil, err
	}
	features, err := featuresOf(nil, Field{OID: oidFloat4Array, Format: 1}, args[1])
	return model, features, err
}

func (e *Engine) callPredict(ctx context.Context, s function.Session, args [][]byte) (string, int, error) {
	model, features, err := e.modelAndFeatures(ctx, s, args)
	if err != nil {
		return "", 0, err
	}
	v, err := model.Predict(features)
	return string(appendReal(nil, v)), 1, err
}

func (e *Engine) callProba(ctx context.Context, s function.Session, args [][]byte) (string, int, error) {
	model, features, err := e.modelAndFeatures(ctx, s, args)
	if err != nil {
		return "", 0, err
	}
	v, err := model.Proba(features)
	return string(appendReals(nil, v)), max(1, len(features)/max(1, model.Features())), err
}

func (e *Engine) callBatch(ctx context.Context, s function.Session, args [][]byte) (string, int, error) {
	model, features, err := e.modelAndFeatures(ctx, s, args)
	if err != nil {
		return "", 0, err
	}
	v, err := model.PredictBatch(features)
	return string(appendReals(nil, v)), len(v), err
}

// callPredictMany takes the arguments of many rows, as 25_batch.sql gathers them.
func (e *Engine) callPredictMany(ctx context.Context, s function.Session, args [][]byte) (string, int, error) {
	return e.predictMany(ctx, s, args, func(err error) error { return err })
}

// callKnownMany is callPredictMany with NULL for rows that fail: nobody has asked for those yet.
func (e *Engine) callKnownMany(ctx context.Context, s function.Session, args [][]byte) (string, int, error) {
	return e.predictMany(ctx, s, args, func(error) error { return nil })
}

// predictMany scores rows; refused says what becomes of the error of one that cannot be.
func (e *Engine) predictMany(ctx context.Context, s function.Session, args [][]byte, refused func(error) error) (string, int, error) {
	rows := predict.NewRows()
	defer rows.Free()
	var predicted []float32
	var null []bool
	err := e.eachRow(ctx, s, args, func(model *predict.Model, features []float32, err error) error {
		rows.Model = model
		place := len(predicted)
		if err == nil && features != nil {
			err = rows.Add(place, features)
		}
		predicted, null = append(predicted, 0), append(null, err != nil || features == nil)
		if err != nil {
			return refused(err)
		}
		if rows.Full() {
			rows.Score(predicted)
			return context.Cause(ctx)
		}
		return nil
	})
	if err != nil {
		return "", 0, err
	}
	rows.Score(predicted)
	b := []byte{'{'}
	for i, v := range predicted {
		if i > 0 {
			b = append(b, ',')
		}
		if null[i] {
			b = append(b, "NULL"...)
		} else {
			b = appendReal(b, v)
		}
	}
	return string(append(b, '}')), len(predicted), nil
}

// callProbaMany is callPredictMany for probabilities: each row's in the text form of an array, as an array's element.
func (e *Engine) callProbaMany(ctx context.Context, s function.Session, args [][]byte) (string, int, error) {
	rows := predict.NewRows()
	defer rows.Free()
	var predicted [][]float32 // nil for NULL
	err := e.eachRow(ctx, s, args, func(model *predict.Model, features []float32, err error) error {
		rows.Model = model
		place := len(predicted)
		predicted = append(predicted, nil)
		if err != nil || features == nil {
			return err
		}
		if err := rows.AddProba(place, features); err != nil {
			return err
		}
		if rows.Full() {
			rows.ScoreProba(predicted)
			return context.Cause(ctx)
		}
		return nil
	})
	if err != nil {
		return "", 0, err
	}
	rows.ScoreProba(predicted)
	b := []byte{'{'}
	for i, v := range predicted {
		if i > 0 {
			b = append(b, ',')
		}
		if v == nil {
			b = append(b, "NULL"...)
		} else {
			b = append(appendReals(append(b, '"'), v), '"')
		}
	}
	return string(append(b, '}')), len(predicted), nil
}

// callPredictRow takes a row as pgowl.row_text writes it.
func (e *Engine) callPredictRow(ctx context.Context, s function.Session, args [][]byte) (string, int, error) {
	model, features, err := e.modelAndRow(ctx, s, args)
	if err != nil {
		return "", 0, err
	}
	v, err := model.Predict(features)
	return string(appendReal(nil, v)), 1, err
}

// modelAndRow reads the arguments of what takes a row.
func (e *Engine) modelAndRow(ctx context.Context, s function.Session, args [][]byte) (*predict.Model, []float32, error) {
	if len(args) != 2 || len(args[0]) != 8 {
		return nil, nil, errArguments
	}
	model, err := e.model(ctx, int64(binary.BigEndian.Uint64(args[0])), s)
	if err != nil {
		return nil, nil, err
	}
	features, err := model.Row(nil, args[1])
	return model, features, err
}
