package cron

import (
	"bytes"
	"errors"
	"testing"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// bytesSession is a server that says what it is told to.
type bytesSession struct{ frontend *pgproto3.Frontend }

func (s bytesSession) receive() (pgproto3.BackendMessage, error) {
	m, err := s.frontend.Receive()
	if e, ok := m.(*pgproto3.ErrorResponse); ok && e.Severity == "FATAL" {
		return nil, pgconn.ErrorResponseToPgError(e)
	}
	return m, err
}

func (bytesSession) refuseCopyIn() error { return errors.New("gone") }
func (bytesSession) cancel()             {}

// FuzzReadResult reads a server's answer to a command.
func FuzzReadResult(f *testing.F) {
	var b []byte
	for _, m := range []pgproto3.BackendMessage{&pgproto3.RowDescription{}, &pgproto3.DataRow{}, &pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")},
		&pgproto3.ErrorResponse{Severity: "ERROR", Message: "m", Position: 3}, &pgproto3.ReadyForQuery{TxStatus: 'I'}} {
		b, _ = m.Encode(b)
	}
	f.Add(b, "SELECT x")
	f.Add([]byte("E\x00\x00\x00\x12SFATAL\x00P999\x00\x00"), "")
	f.Fuzz(func(t *testing.T, said []byte, command string) {
		frontend := pgproto3.NewFrontend(bytes.NewReader(said), nil)
		frontend.SetMaxBodyLen(1 << 20)
		if r := readResult(bytesSession{frontend}, command); utf8.ValidString(command) && utf8.Valid(said) && !utf8.ValidString(r.message) {
			t.Errorf("%q is stored as %q", said, r.message)
		}
	})
}
