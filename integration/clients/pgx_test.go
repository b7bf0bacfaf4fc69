package clients

import (
	"encoding/json"
	"errors"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// pgxClient sends statements through one pgx session, in one of its ways.
type pgxClient struct {
	conn *pgx.Conn
	mode pgx.QueryExecMode
}

func (p pgxClient) ask(t *testing.T, sql string, params ...any) (answer, error) {
	t.Helper()
	rows, err := p.conn.Query(t.Context(), sql, append([]any{p.mode}, params...)...)
	if err != nil {
		return answer{}, pgxRefusal(err)
	}
	defer rows.Close()
	var a answer
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return answer{}, err
		}
		raw, err := json.Marshal(values)
		if err != nil {
			return answer{}, err
		}
		row, err := decodeRow(raw)
		if err != nil {
			return answer{}, err
		}
		a.Rows = append(a.Rows, row)
	}
	for _, f := range rows.FieldDescriptions() {
		a.Types = append(a.Types, f.DataTypeOID)
	}
	return a, pgxRefusal(rows.Err())
}

func (p pgxClient) query(t *testing.T, sql string) (string, error) {
	t.Helper()
	a, err := p.ask(t, sql)
	return a.text(), err
}

func (p pgxClient) load(t *testing.T, sql, file string) error {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = p.conn.PgConn().CopyFrom(t.Context(), f, sql)
	return err
}

func pgxRefusal(err error) error {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return &refusal{e.Code, e.Message}
	}
	return err
}

func TestStoryFromPgx(t *testing.T) {
	for _, mode := range []struct {
		name string
		mode pgx.QueryExecMode
	}{
		{"prepared", pgx.QueryExecModeCacheStatement},
		{"extended", pgx.QueryExecModeExec},
		{"simple", pgx.QueryExecModeSimpleProtocol},
	} {
		t.Run(mode.name, func(t *testing.T) {
			o := sharedOwl(t)
			c := pgxClient{o.connect(t), mode.mode}
			play(t, o, c)
			shapes(t, c)
		})
	}
}
