package cron

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

var (
	errLost         = errors.New("another scheduler leads")
	errNotInstalled = errors.New("schema cron is not installed, or the server is read-only")
)

// store is the scheduler's one working connection as the schema's owner, opened when needed and shared by the loop and the runs.
type store struct {
	service func(context.Context) (*pgx.Conn, error)
	// limit bounds every statement. One that hangs (a dead network, a lock on cron.job) loses its connection and with it
	// leadership, which another proxy may then have.
	limit time.Duration

	mu   sync.Mutex
	conn *pgx.Conn
	// opened counts connections: leadership is bound to one, since it goes with the advisory lock.
	opened  int
	closing sync.WaitGroup
}

// do runs f on the connection. A connection that f breaks is forgotten; the next call opens another. It gives the number of
// the connection that was used.
func (s *store) do(ctx context.Context, f func(context.Context, *pgx.Conn) error) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	if s.conn == nil || s.conn.IsClosed() {
		conn, err := s.service(ctx)
		if err != nil {
			return s.opened, err
		}
		s.conn = conn
		s.opened++
	}
	err := f(ctx, s.conn)
	if s.conn.IsClosed() {
		// pgx finishes closing in the background; close waits for that.
		done := s.conn.PgConn().CleanupDone()
		s.closing.Go(func() { <-done })
		s.conn = nil
	}
	return s.opened, sortError(err)
}

// exec runs one statement; args are bound with the types that the casts in sql give them.
func (s *store) exec(ctx context.Context, sql string, args ...any) (int, error) {
	return s.do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, sql, unprepared(args)...)
		return err
	})
}

// unprepared makes pgx send a statement without preparing it first: the catalog may be dropped and made again under us.
func unprepared(args []any) []any { return append([]any{pgx.QueryExecModeExec}, args...) }

func sortError(err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return err
	}
	switch pg.Code {
	case "PO001":
		return errLost
	case "3F000", "42P01", "42883", "25006":
		return errors.Join(errNotInstalled, err)
	}
	return err
}

// broken reports whether the statement may have been done or not: the connection failed.
func broken(err error) bool {
	var pg *pgconn.PgError
	return err != nil && !errors.Is(err, errLost) && (!errors.As(err, &pg) || pg.SeverityUnlocalized != "ERROR")
}

func (s *store) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		s.conn.Close(ctx)
		s.conn = nil
	}
	s.closing.Wait()
}

// collect runs a query and gives its rows.
func collect[T any](ctx context.Context, s *store, scan pgx.RowToFunc[T], sql string, args ...any) (list []T, err error) {
	_, err = s.do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, sql, unprepared(args)...)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, scan)
		return err
	})
	return list, err
}
