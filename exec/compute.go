package exec

import (
	"context"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/exec/predict"
	"github.com/pgowl/pgowl/models/text"
	"github.com/pgowl/pgowl/parser"
)

// column is the values of a call for a number of rows: reals or vectors, and which rows are NULL.
type column struct {
	reals   []float32
	vectors [][]float32
	null    []bool
}

// arguments gives the value of an argument in a row: its type and its bytes, nil for NULL.
type arguments func(row int, a *parser.Arg) (Field, []byte, error)

// compute evaluates a call for n rows, and counts it. It is the same for both lanes: one row in the fold lane, a batch in the stream lane.
func (e *Engine) compute(ctx context.Context, l lane, c *parser.FunctionCall, n int, args arguments) (column, error) {
	m := e.meters.of(l, c.Function)
	start := m.begin()
	out, err := e.evaluate(ctx, l, c, n, args)
	m.end(ctx, start, n, err)
	return out, err
}

func (e *Engine) evaluate(ctx context.Context, l lane, c *parser.FunctionCall, n int, args arguments) (column, error) {
	if c.Function == "embed" {
		return e.computeEmbed(ctx, l, c, n, args)
	}
	return e.computePredict(ctx, l, c, n, args)
}

// embedKey tells which rows can go through a model together.
type embedKey struct{ model, kwargs string }

func (e *Engine) computeEmbed(ctx context.Context, l lane, c *parser.FunctionCall, n int, args arguments) (column, error) {
	out := column{vectors: make([][]float32, n), null: make([]bool, n)}
	rows := map[embedKey][]int{}
	texts := map[embedKey][]string{}
	for i := range n {
		var values [3]string
		values[2] = "{}"
		for j := range c.Args {
			if c.Args[j].Kind == parser.Missing {
				continue
			}
			f, v, err := args(i, &c.Args[j])
			if err != nil {
				return out, err
			}
			if v == nil {
				out.null[i] = true
				break
			}
			if values[j], err = textOf(f, v); err != nil {
				return out, err
			}
		}
		if !out.null[i] {
			k := embedKey{values[0], values[2]}
			rows[k] = append(rows[k], i)
			texts[k] = append(texts[k], values[1])
		}
	}
	for k, which := range rows {
		if l == foldLane && e.loads(k) {
			return out, errLoading
		}
		vectors, err := e.embed(ctx, k.model, texts[k], []byte(k.kwargs), false)
		if err != nil {
			return out, err
		}
		for j, i := range which {
			out.vectors[i] = vectors[j]
		}
	}
	return out, nil
}

// errLoading leaves a call to the server that would have to wait for its model. There the statement's time runs (statement_timeout), and what waits is a call of the call lane.
var errLoading = function.Errorf("55000", "the model is being loaded")

// loads begins to load the model of a call, and tells whether it would have to be waited for.
func (e *Engine) loads(k embedKey) bool {
	options, err := text.ParseEmbedOptions(k.model, []byte(k.kwargs))
	return err == nil && !e.texts.Loaded(k.model, options.Variant)
}

// embed gives the vectors of texts, which are those of one call of the client's, or each that of a call of its own.
func (e *Engine) embed(ctx context.Context, model string, texts []string, kwargs []byte, together bool) ([][]float32, error) {
	options, err := text.ParseEmbedOptions(model, kwargs)
	if err == nil && !together {
		err = options.Encoding.Single()
	}
	if err != nil {
		return nil, textError(err)
	}
	vectors, err := e.texts.Embed(ctx, model, texts, options)
	return vectors, textError(err)
}

func (e *Engine) computePredict(ctx context.Context, l lane, c *parser.FunctionCall, n int, args arguments) (column, error) {
	out := column{null: make([]bool, n)}
	if c.Result == "real" {
		out.reals = make([]float32, n)
	} else {
		out.vectors = make([][]float32, n)
	}
	ids := make([]int64, n)
	for i := range n {
		f, v, err := args(i, &c.Args[0])
		if err != nil {
			return out, err
		}
		if out.null[i] = v == nil; v != nil {
			if ids[i], err = intOf(f, v); err != nil {
				return out, err
			}
		}
	}
	var nested column
	if c.Args[1].Kind == parser.Nested {
		var err error
		if nested, err = e.compute(ctx, l, c.Args[1].Call, n, args); err != nil {
			return out, err
		}
	}
	var rows *predict.Rows // from the first row that is not NULL on
	score := func() {
		switch {
		case rows == nil:
		case out.reals != nil:
			rows.Score(out.reals)
		default:
			rows.ScoreProba(out.vectors)
		}
	}
	var id int64
	var features []float32
	for i := range n {
		if out.null[i] {
			continue
		}
		if c.Args[1].Kind == parser.Nested {
			if out.null[i] = nested.null[i]; out.null[i] {
				continue
			}
			features = nested.vectors[i]
		} else {
			f, v, err := args(i, &c.Args[1])
			if err != nil {
				return out, err
			}
			if out.null[i] = v == nil; v == nil {
				continue
			}
			if features, err = featuresOf(features[:0], f, v); err != nil {
				return out, err
			}
		}
		var err error
		if rows == nil {
			rows = predict.NewRows()
			defer rows.Free()
		}
		if rows.Model == nil || id != ids[i] {
			score()
			id = ids[i]
			if rows.Model, err = e.model(ctx, id, nil); err != nil {
				return out, err
			}
		}
		switch {
		case n == 1 && out.reals != nil:
			out.reals[i], err = rows.Model.Predict(features)
		case n == 1:
			out.vectors[i], err = rows.Model.Proba(features)
		case out.reals != nil:
			err = rows.Add(i, features)
		default:
			err = rows.AddProba(i, features)
		}
		if err != nil {
			return out, err
		}
		if rows.Full() {
			score()
		}
		if i%64 == 63 && ctx.Err() != nil {
			return out, context.Cause(ctx)
		}
	}
	score()
	return out, nil
}
