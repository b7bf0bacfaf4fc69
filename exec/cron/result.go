package cron

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// result is what a command came to: the last of its statements' results, as pg_cron's client-connection mode words it.
type result struct {
	failed  bool
	message string
}

// session is what reading a result needs of a connection.
type session interface {
	// receive gives the next message; an error ends the session.
	receive() (pgproto3.BackendMessage, error)
	// refuseCopyIn ends a COPY FROM STDIN with an error.
	refuseCopyIn() error
	// cancel asks the server to stop the command.
	cancel()
}

const copyRefused = "COPY not supported"

// readResult reads the answer to one simple query, up to ReadyForQuery. Rows are counted, never kept.
func readResult(s session, command string) result {
	res := result{message: "0 rows"} // also of an empty command
	rows, copied := -1, false        // rows < 0: the statement at hand has no RowDescription
	for {
		msg, err := s.receive()
		if err != nil {
			var pg *pgconn.PgError
			if errors.As(err, &pg) { // FATAL: the server said why before it left
				return result{failed: true, message: errorText(pg, command)}
			}
			return result{failed: true, message: "connection lost"}
		}
		switch msg := msg.(type) {
		case *pgproto3.RowDescription:
			rows = 0
		case *pgproto3.DataRow:
			rows++
		case *pgproto3.CommandComplete:
			res = result{message: string(msg.CommandTag)}
			if rows >= 0 {
				res.message = countRows(rows)
			}
			rows = -1
		case *pgproto3.EmptyQueryResponse:
			res = result{message: "0 rows"}
		case *pgproto3.ErrorResponse:
			res = result{failed: true, message: errorText(pgconn.ErrorResponseToPgError(msg), command)}
		case *pgproto3.CopyInResponse:
			copied = true
			if err := s.refuseCopyIn(); err != nil {
				return result{failed: true, message: copyRefused}
			}
		case *pgproto3.CopyOutResponse, *pgproto3.CopyBothResponse:
			// There may be much to come that nobody wants.
			copied = true
			s.cancel()
		case *pgproto3.ReadyForQuery:
			if copied {
				return result{failed: true, message: copyRefused}
			}
			res.message = strings.ToValidUTF8(res.message, "\uFFFD")
			return res
		}
	}
}

func countRows(n int) string {
	if n == 1 {
		return "1 row"
	}
	return fmt.Sprintf("%d rows", n)
}
