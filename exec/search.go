package exec

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/exec/search"
	"github.com/pgowl/pgowl/models/nearest"
	"github.com/pgowl/pgowl/models/text"
)

// callSearch takes the number of a vectorized column, its model, queries as a JSON array, how many rows are wanted for each, keyword arguments for the queries as JSON, and the numbers of the
// rows that are to be compared, eight bytes each, or NULL for all. It gives an object: for each query rows of [row_id, score], the best first, and the revision that they are of.
func (e *Engine) callSearch(ctx context.Context, _ function.Session, args [][]byte) (string, int, error) {
	if len(args) != 6 || len(args[0]) != 8 || len(args[3]) != 4 {
		return "", 0, errArguments
	}
	id, wanted := int64(binary.BigEndian.Uint64(args[0])), int(int32(binary.BigEndian.Uint32(args[3])))
	if wanted < 1 {
		return "", 0, errArguments
	}
	vectors, err := e.embedQueries(ctx, string(args[1]), args[2], args[4])
	if err != nil {
		return "", 0, err
	}
	queries := make([]nearest.Query, len(vectors))
	for i, v := range vectors {
		var ok bool
		if queries[i], ok = nearest.NewQuery(v); !ok {
			return "", 0, function.Errorf("22023", "search: the embedding of a query has no direction")
		}
	}
	var among []int64
	if args[5] != nil {
		among = make([]int64, len(args[5])/8)
		for i := range among {
			among[i] = int64(binary.BigEndian.Uint64(args[5][8*i:]))
		}
	}
	found, revision, err := e.searches.Load().Search(ctx, id, queries, wanted, among)
	if err != nil {
		return "", 0, searchError(err)
	}
	b := strconv.AppendInt([]byte(`{"revision":`), revision, 10)
	b = append(b, `,"rows":[`...)
	for i, list := range found {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '[')
		for j, f := range list {
			if j > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendInt(append(b, '['), f.Row, 10)
			b = strconv.AppendFloat(append(b, ','), f.Cosine, 'g', -1, 64)
			b = append(b, ']')
		}
		b = append(b, ']')
	}
	return string(append(b, "]}"...)), len(queries), nil
}

// callSearchVectors takes a model, queries as a JSON array, the rows' number of dimensions, and keyword arguments as JSON. It gives the queries' vectors, as a JSON array of arrays in text form.
func (e *Engine) callSearchVectors(ctx context.Context, _ function.Session, args [][]byte) (string, int, error) {
	if len(args) != 4 || len(args[2]) != 4 {
		return "", 0, errArguments
	}
	vectors, err := e.embedQueries(ctx, string(args[0]), args[1], args[3])
	if err != nil {
		return "", 0, err
	}
	dims := int(int32(binary.BigEndian.Uint32(args[2])))
	b := []byte{'['}
	for i, v := range vectors {
		if len(v) != dims {
			return "", 0, searchError(&search.DimsError{Query: len(v), Rows: dims})
		}
		if _, ok := nearest.NewQuery(v); !ok {
			return "", 0, function.Errorf("22023", "search: the embedding of a query has no direction")
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendReals(append(b, '"'), v), '"')
	}
	return string(append(b, ']')), len(vectors), nil
}

// embedQueries embeds texts that are looked for: with the model's prompt for queries, if it has one and the caller wants no other.
func (e *Engine) embedQueries(ctx context.Context, model string, queries, kwargs []byte) ([][]float32, error) {
	var texts []string
	if err := json.Unmarshal(queries, &texts); err != nil {
		return nil, errArguments
	}
	if len(texts) == 0 {
		return nil, nil
	}
	options, err := text.ParseEmbedOptions(model, kwargs)
	if err != nil {
		return nil, textError(err)
	}
	options.Usual = "query"
	vectors, err := e.texts.Embed(ctx, model, texts, options)
	return vectors, textError(err)
}

// searchError gives an error its SQLSTATE.
func searchError(err error) error {
	var dims *search.DimsError
	switch {
	case errors.As(err, &dims):
		return function.Errorf("22023", "search: %s", err.Error()).WithHint("The options of the query's embedding are others than those of the rows.")
	case errors.Is(err, search.ErrGone):
		return function.Errorf("42704", "search: %s", err.Error())
	}
	return err
}
