package exec

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/text"
)

// callRank takes a model's name, a query, the documents as a JSON array, and keyword arguments as JSON. It gives an object: the ranked documents as [index, score] in rows,
// and whether their texts are wanted in texts.
func (e *Engine) callRank(ctx context.Context, s function.Session, args [][]byte) (string, int, error) {
	if len(args) != 4 {
		return "", 0, errArguments
	}
	model := string(args[0])
	options, err := text.ParseRankOptions(model, args[3])
	if err != nil {
		return "", 0, textError(err)
	}
	documents, err := textsOf("documents", args[2])
	if err != nil {
		return "", 0, err
	}
	ranked, cross, err := e.texts.Rank(ctx, model, string(args[1]), documents, options)
	if err != nil {
		return "", 0, textError(err)
	}
	if !cross {
		s.Message(function.Notice, "model \""+model+"\" is no cross-encoder: the scores are cosines of embeddings")
	}
	b := strconv.AppendBool([]byte(`{"texts":`), options.ReturnDocuments)
	b = append(b, `,"rows":[`...)
	for i, r := range ranked {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(append(b, '['), int64(r.Document), 10)
		b = strconv.AppendFloat(append(b, ','), r.Score, 'g', -1, 64)
		b = append(b, ']')
	}
	return string(append(b, "]}"...)), len(documents), nil
}

// textsOf reads a JSON array of texts, an argument of a function.
func textsOf(name string, value []byte) ([]string, error) {
	var texts []*string
	if err := json.Unmarshal(value, &texts); err != nil {
		return nil, function.Errorf("22023", "%s must be a one-dimensional array of texts", name)
	}
	all := make([]string, len(texts))
	for i, t := range texts {
		if t == nil {
			return nil, function.Errorf("22004", "%s may not hold NULL", name)
		}
		all[i] = *t
	}
	return all, nil
}
