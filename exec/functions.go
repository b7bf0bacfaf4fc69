package exec

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/pgowl/pgowl/exec/call"
	"github.com/pgowl/pgowl/exec/function"
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
	"model_revision":     (*Engine).callModelRevision,
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

func itoa(n int64) []byte { return strconv.AppendInt(nil, n, 10) }
