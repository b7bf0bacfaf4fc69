package call

import (
	"context"
	"encoding/json"

	"github.com/pgowl/pgowl/exec/function"
)

// session is a running call as the function sees it: the session that called it.
type session running

// request asks the function's other half, in the database, to run a statement. Lower-case kinds run as the caller.
func (s *session) request(ctx context.Context, as function.Role, kind byte, sql string, args map[string]any) error {
	if as == function.Caller {
		kind |= 0x20
	}
	order := map[string]any{"sql": sql}
	if kind|0x20 == 'q' {
		if args == nil {
			args = map[string]any{}
		}
		order["args"] = args
	}
	r := (*running)(s)
	if err := r.post(r.asker(), string(kind)+asciiJSON(order)); err != nil {
		return err
	}
	return ctx.Err()
}

// next waits for what comes back.
func (s *session) next(ctx context.Context) (message, error) {
	select {
	case m := <-s.results:
		return m, nil
	case <-s.ctx.Done():
		return message{}, context.Cause(s.ctx)
	case <-ctx.Done():
		return message{}, context.Cause(ctx)
	}
}

// Query implements function.Session.
func (s *session) Query(ctx context.Context, as function.Role, sql string, args map[string]any) (json.RawMessage, error) {
	if err := s.request(ctx, as, 'Q', sql, args); err != nil {
		return nil, err
	}
	m, err := s.next(ctx)
	if err != nil {
		return nil, err
	}
	if m.verb != "rows" || len(m.words) == 0 {
		return nil, function.Errorf("XX000", "malformed answer of the session")
	}
	rows, ok := bytes(m.words[0])
	if !ok {
		return nil, function.Errorf("XX000", "malformed answer of the session")
	}
	return rows, nil
}

// Exec implements function.Session.
func (s *session) Exec(ctx context.Context, as function.Role, sql string) error {
	if err := s.request(ctx, as, 'X', sql, nil); err != nil {
		return err
	}
	_, err := s.next(ctx)
	return err
}

// Stream implements function.Session.
func (s *session) Stream(ctx context.Context, as function.Role, sql string, each func(piece []byte) error) error {
	if as != function.Caller {
		return function.Errorf("XX000", "a stream runs as its caller")
	}
	if err := s.request(ctx, as, 'S', sql, nil); err != nil {
		return err
	}
	var failed error
	for {
		m, err := s.next(ctx)
		if err != nil {
			return err
		}
		if m.verb != "piece" {
			return failed
		}
		// After a failure the rest is read and dropped, so that the session stays in step.
		if failed == nil && len(m.words) > 0 {
			piece, ok := bytes(m.words[0])
			if !ok {
				failed = function.Errorf("XX000", "malformed piece of a stream")
			} else {
				failed = each(piece)
			}
		}
	}
}

// Message implements function.Session.
func (s *session) Message(severity function.Severity, text string) {
	s.h.client.SendMessage(severity, text)
}

// Ahead implements function.Session.
func (s *session) Ahead() any { return s.h.takeAhead() }

// Server implements function.Session.
func (s *session) Server() int { return s.h.client.ServerVersion() }

var _ function.Session = (*session)(nil)
