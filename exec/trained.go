package exec

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/exec/predict"
)

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
