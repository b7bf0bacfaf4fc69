package exec

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/exec/call"
	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/exec/predict"
	"github.com/pgowl/pgowl/exec/train"
)

// called are what the functions in the database may call, by the name that they send.
var called = map[string]func(*Engine, context.Context, function.Session, [][]byte) (value string, rows int, err error){
	"embed":              (*Engine).callEmbed,
	"embed_many":         (*Engine).callEmbedMany,
	"predict":            (*Engine).callPredict,
	"predict_row":        (*Engine).callPredictRow,
	"predict_label":      (*Engine).callLabel,
	"predict_label_row":  (*Engine).callLabelRow,
	"predict_many":       (*Engine).callPredictMany,
	"predict_known_many": (*Engine).callKnownMany,
	"predict_proba_many": (*Engine).callProbaMany,
	"predict_proba":      (*Engine).callProba,
	"predict_batch":      (*Engine).callBatch,
	"predict_joint":      (*Engine).callJoint,
	"train":              (*Engine).callTrain,
	"explain":            (*Engine).callExplain,
	"importance":         (*Engine).callImportance,
	"load_dataset":       (*Engine).callLoadDataset,
	"import_model":       (*Engine).callImport,
	"export_model":       (*Engine).callExport,
	"snapshot":           (*Engine).callSnapshot,
	"train_joint":        (*Engine).callTrain,
	"evaluate":           (*Engine).callEvaluate,
	"chunk":              (*Engine).callChunk,
	"rank":               (*Engine).callRank,
	"search":             (*Engine).callSearch,
	"search_vectors":     (*Engine).callSearchVectors,
	"clear_gpu_cache":    (*Engine).callClearGPU,
}

// functions gives called, each with its meter.
func (e *Engine) functions() map[string]call.Func {
	all := map[string]call.Func{}
	for name, f := range called {
		all[name] = measured(e, name, func(ctx context.Context, s function.Session, args [][]byte) (string, int, error) {
			return f(e, ctx, s, args)
		})
	}
	return all
}

var errArguments = function.Errorf("XX000", "wrong number of arguments from the database: its functions are of another version of PgOwl")

func (e *Engine) callEmbed(ctx context.Context, _ function.Session, args [][]byte) (string, int, error) {
	if len(args) != 3 {
		return "", 0, errArguments
	}
	vectors, err := e.embed(ctx, string(args[0]), []string{string(args[1])}, args[2], false)
	if err != nil {
		return "", 0, err
	}
	return string(appendReals(nil, vectors[0])), 1, nil
}

func (e *Engine) callEmbedMany(ctx context.Context, _ function.Session, args [][]byte) (string, int, error) {
	if len(args) != 3 {
		return "", 0, errArguments
	}
	inputs, err := textsOf("inputs", args[1])
	if err != nil {
		return "", 0, err
	}
	vectors, err := e.embed(ctx, string(args[0]), inputs, args[2], true)
	if err != nil {
		return "", 0, err
	}
	b := []byte{'{'}
	for i, v := range vectors {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendReals(b, v)
	}
	return string(append(b, '}')), len(vectors), nil
}

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

// eachRow calls do with the model and the features of each row that was gathered: the array bytea[] in binary form. The features are nil for
// NULL, and hold during the call only. A row that is no features is an error of that row.
func (e *Engine) eachRow(ctx context.Context, s function.Session, args [][]byte, do func(model *predict.Model, features []float32, err error) error) error {
	if len(args) != 2 || len(args[0]) != 8 || len(args[1]) < 20 {
		return errArguments
	}
	model, err := e.model(ctx, int64(binary.BigEndian.Uint64(args[0])), s)
	if err != nil {
		return err
	}
	features := []float32{}
	for rest := args[1][20:]; len(rest) > 0; { // past the array's header
		var row []byte
		if row, rest, err = nextRow(rest); err != nil {
			return err
		}
		switch {
		case row == nil:
			err = do(model, nil, nil)
		case row[0] == 'F':
			features, err = featuresOf(features[:0], Field{OID: oidFloat4Array, Format: 1}, row[1:])
			err = do(model, features, err)
		default:
			features, err = model.Row(features[:0], row[1:])
			err = do(model, features, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// nextRow takes the first row off an array's elements: the project's name and a zero byte, which the database has read already, and F or R with
// the row itself. It is nil for NULL.
func nextRow(b []byte) (row, rest []byte, err error) {
	element, rest, err := nextElement(b)
	if err != nil || element == nil {
		return nil, rest, err
	}
	_, row, _ = bytes.Cut(element, []byte{0})
	if len(row) == 0 || row[0] != 'F' && row[0] != 'R' {
		return nil, nil, errArguments
	}
	return row, rest, nil
}

// nextElement takes the first off the elements of an array in binary form: a length, -1 for NULL (which gives nil), and the bytes.
func nextElement(b []byte) (element, rest []byte, err error) {
	if len(b) < 4 {
		return nil, nil, errArguments
	}
	n := int(int32(binary.BigEndian.Uint32(b)))
	b = b[4:]
	if n == -1 {
		return nil, b, nil
	}
	if n < 0 || n > len(b) {
		return nil, nil, errArguments
	}
	return b[:n:n], b[n:], nil
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

func (e *Engine) callTrain(ctx context.Context, s function.Session, args [][]byte) (string, int, error) {
	if len(args) != 1 {
		return "", 0, errArguments
	}
	request, err := train.Decode(args[0])
	if err != nil {
		return "", 0, err
	}
	ahead, _ := s.Ahead().(*train.Ahead)
	if !ahead.Is(args[0]) {
		ahead = nil
	}
	result, err := train.TrainOn(ctx, s, request, ahead, e.models, e.log)
	if err != nil {
		return "", 0, err
	}
	row, err := json.Marshal(result)
	return string(row), result.Rows, err
}

// model gives a model by its id: from memory, or from the registry as committed, or, where only the calling session sees it, through
// that.
func (e *Engine) model(ctx context.Context, id int64, s function.Session) (*predict.Model, error) {
	return e.models.Get(ctx, id, func(ctx context.Context) ([]byte, error) {
		data, err := e.readModel(ctx, id)
		if err == nil && len(data) == 0 && s != nil {
			data, err = readModelThrough(ctx, s, id)
		}
		if err == nil && len(data) == 0 {
			err = predict.Unknown(id)
		}
		return data, err
	})
}

func (e *Engine) readModel(ctx context.Context, id int64) ([]byte, error) {
	rows, err := e.pool.Query(ctx, "SELECT data FROM pgml.files WHERE model_id = $1 AND path = 'estimator.rmp' ORDER BY part", id)
	if err != nil {
		return nil, err
	}
	parts, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	return bytes.Join(parts, nil), err
}

func readModelThrough(ctx context.Context, s function.Session, id int64) ([]byte, error) {
	raw, err := s.Query(ctx, function.Owner,
		"SELECT encode(f.data, 'base64') AS data FROM pgml.files f WHERE f.model_id = ($1->>'id')::bigint AND f.path = 'estimator.rmp' ORDER BY f.part",
		map[string]any{"id": id})
	if err != nil {
		return nil, err
	}
	var parts []struct{ Data string }
	if err := json.Unmarshal(raw, &parts); err != nil {
		return nil, err
	}
	var data []byte
	for _, p := range parts {
		b, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(p.Data, "\n", ""))
		if err != nil {
			return nil, errors.New("malformed part of a model")
		}
		data = append(data, b...)
	}
	return data, nil
}

func itoa(n int64) []byte { return strconv.AppendInt(nil, n, 10) }
