package exec

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"math"
	"strconv"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/exec/predict"
)

// callExplain takes a model, the features of a row, and a class as pgml.predict gives it, or NULL. It gives columns, as tableOf writes them.
func (e *Engine) callExplain(ctx context.Context, s function.Session, args [][]byte) (string, int, error) {
	if len(args) != 3 || args[2] != nil && len(args[2]) != 4 {
		return "", 0, errArguments
	}
	model, features, err := e.modelAndFeatures(ctx, s, args[:2])
	if err != nil {
		return "", 0, err
	}
	var class *float32
	if args[2] != nil {
		c := math.Float32frombits(binary.BigEndian.Uint32(args[2]))
		class = &c
	}
	x, err := model.Explain(features, class)
	if err != nil {
		return "", 0, err
	}
	values := appendReals(nil, features)
	values = append(values[:len(values)-1], ",NULL}"...)
	text, err := tableOf(map[string]any{
		"feature": append(x.Names, "(bias)"), "value": string(values), "contribution": float8s(append(x.Contributions, x.Bias))})
	return text, 1, err
}

// callImportance takes a model. It gives columns, as tableOf writes them.
func (e *Engine) callImportance(ctx context.Context, s function.Session, args [][]byte) (string, int, error) {
	if len(args) != 1 || len(args[0]) != 8 {
		return "", 0, errArguments
	}
	model, err := e.model(ctx, int64(binary.BigEndian.Uint64(args[0])), s)
	if err != nil {
		return "", 0, err
	}
	all, err := model.Importance()
	if err != nil {
		return "", 0, err
	}
	column := func(of func(f *predict.FeatureImportance) float64) string {
		values := make([]float64, len(all))
		for i := range all {
			values[i] = of(&all[i])
		}
		return float8s(values)
	}
	names := make([]string, len(all))
	for i := range all {
		names[i] = all[i].Name
	}
	text, err := tableOf(map[string]any{
		"feature": names,
		"gain":    column(func(f *predict.FeatureImportance) float64 { return f.Gain }),
		"cover":   column(func(f *predict.FeatureImportance) float64 { return f.Cover }),
		"weight":  column(func(f *predict.FeatureImportance) float64 { return f.Weight }),
	})
	return text, 1, err
}

// tableOf writes rows for a function in the database: an object with a column each, texts as a JSON array, numbers in the text form of an array, which has NaN
// and infinity.
func tableOf(columns map[string]any) (string, error) {
	text, err := json.Marshal(columns)
	return string(text), err
}

// float8s is the text form of double precision[].
func float8s(values []float64) string {
	b := []byte{'{'}
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendFloat(b, v, 'g', -1, 64) // float8in reads NaN, +Inf and -Inf
	}
	return string(append(b, '}'))
}
