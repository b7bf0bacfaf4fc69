package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/zap"
)

// transaction is what a request's transaction is made with.
type transaction struct {
	readOnly  bool
	isolation string // empty: the session's default
	settings  []Setting
	rollback  bool // leave nothing behind
	// check looks at the result before the end; an error rolls back.
	check func(result) error
}

// result is what a statement of call.statement gave.
type result struct {
	total   int64 // rows of all pages; -1: not counted
	rows    int64 // of this page
	body    []byte
	headers string // response.headers; empty: not set
	status  string // response.status; empty: not set
}

// run makes one transaction: begin, settings, the pre-request function, the statement, the end.
func (s *Server) run(ctx context.Context, t transaction, sql string, params []any) (result, error) {
	c, err := s.pool.acquire(ctx)
	if err != nil {
		return result{}, err
	}
	if err = s.begin(ctx, c, t); err != nil && c.reused && lost(err) {
		// It died while it was idle, and nothing has happened yet.
		if c, err = s.pool.replace(ctx, c); err != nil {
			return result{}, err
		}
		err = s.begin(ctx, c, t)
	}
	defer s.pool.release(c)
	if err == nil {
		var res result
		if res, err = s.perform(ctx, c, t, sql, params); err == nil {
			return res, nil
		}
	}
	if c.PgConn().TxStatus() != 'I' && !c.IsClosed() {
		if _, e := c.Exec(ctx, "ROLLBACK"); e != nil {
			s.opts.Log.Debug("rest: roll back", zap.Error(e)) // release closes the connection
		}
	}
	return result{}, err
}

// begin opens the transaction and makes its settings, in one trip. They are made in order: a role's settings before the role,
// which may not be allowed to make them.
func (s *Server) begin(ctx context.Context, c *pooled, t transaction) error {
	sql := "BEGIN"
	if t.isolation != "" {
		sql += " ISOLATION LEVEL " + t.isolation
	}
	if t.readOnly {
		sql += " READ ONLY"
	}
	var sets []string
	var params []any
	for i, x := range t.settings {
		sets = append(sets, fmt.Sprintf("pg_catalog.set_config($%d, $%d, true)", 2*i+1, 2*i+2))
		params = append(params, x.Name, x.Value)
	}
	batch := &pgx.Batch{}
	batch.Queue(sql)
	batch.Queue("SELECT "+strings.Join(sets, ", "), params...)
	return c.SendBatch(ctx, batch).Close()
}

func (s *Server) perform(ctx context.Context, c *pooled, t transaction, sql string, params []any) (result, error) {
	if len(s.opts.PreRequest) > 0 {
		if _, err := c.Exec(ctx, "SELECT "+pgx.Identifier(s.opts.PreRequest).Sanitize()+"()"); err != nil {
			return result{}, err
		}
	}
	res, err := query(ctx, c, sql, params)
	if err != nil {
		return result{}, err
	}
	if err := t.check(res); err != nil {
		return result{}, err
	}
	if !t.rollback {
		_, err = c.Exec(ctx, "COMMIT")
		return res, err
	}
	// What would have failed at the commit fails now.
	if _, err := c.Exec(ctx, "SET CONSTRAINTS ALL IMMEDIATE"); err != nil {
		return result{}, err
	}
	_, err = c.Exec(ctx, "ROLLBACK")
	return res, err
}

// query runs the statement and takes the body as the bytes that came.
func query(ctx context.Context, c *pooled, sql string, params []any) (res result, err error) {
	args := append([]any{pgx.QueryResultFormats{pgx.TextFormatCode}}, params...)
	rows, err := c.Query(ctx, sql, args...)
	if err != nil {
		return res, err
	}
	defer rows.Close()
	found := false
	for rows.Next() {
		found = true
		v := rows.RawValues()
		res = result{total: -1, body: append([]byte(nil), v[2]...), headers: string(v[3]), status: string(v[4])}
		if v[0] != nil {
			if res.total, err = strconv.ParseInt(string(v[0]), 10, 64); err != nil {
				return res, fmt.Errorf("count: %w", err)
			}
		}
		if res.rows, err = strconv.ParseInt(string(v[1]), 10, 64); err != nil {
			return res, fmt.Errorf("count of the page: %w", err)
		}
	}
	if err := rows.Err(); err != nil {
		return res, err
	}
	if !found {
		return res, errors.New("the statement gave no row")
	}
	return res, nil
}

// lost tells errors of the connection from those of a statement.
func lost(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return strings.HasPrefix(pg.Code, "57P0") && pg.Severity == "FATAL"
	}
	return !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}

// singleRow is the check of answers that must be one object.
func singleRow(rows int64) error {
	if rows == 1 {
		return nil
	}
	return &fault{status: http.StatusNotAcceptable, code: "PGRST116", message: "Cannot coerce the result to a single JSON object",
		details: fmt.Sprintf("The result contains %d rows", rows)}
}
