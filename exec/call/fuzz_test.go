package call

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/exec/mailbox"
	"go.uber.org/zap"
)

// FuzzHandler plays a database that knows the key and sends what it likes, in an order that it likes, to functions that ask back. Nothing
// panics, and when the session is over, so are the calls.
func FuzzHandler(f *testing.F) {
	id := strings.Repeat("a", 32) + " 42 c t "
	f.Add(id + "call ask eA==\n" + id + "rows W10=\nprogress\n" + id + "more\n" + id + "done")
	f.Add(id + "call stream eA== -\n" + id + "piece eA==\n" + id + "piece !\n" + id + "end\n" + id + "again")
	f.Add(id + "call array eA==\n" + id + "again\n" + id + "done\n" + id + "call array")
	f.Add(id + "rows\nover\n" + id + "call\n" + id + "call none =\n" + id + "call ask *")
	lane := &Lane{Key: "key", Log: zap.NewNop(), Mail: mailbox.New(func(context.Context) (*pgconn.PgConn, error) { return nil, errors.New("nobody there") }, 2),
		Functions: map[string]Func{
			"ask": func(ctx context.Context, s function.Session, args [][]byte) (string, error) {
				rows, err := s.Query(ctx, function.Caller, "SELECT 1", nil)
				return string(rows), err
			},
			"stream": func(ctx context.Context, s function.Session, args [][]byte) (string, error) {
				n := 0
				return "x", s.Stream(ctx, function.Caller, "SELECT 1", func(piece []byte) error {
					if n += len(piece); n > 3 {
						return errors.New("enough")
					}
					return nil
				})
			},
		}, Arrays: map[string]ArrayFunc{"array": func(context.Context, function.Session, [][]byte) (Array, error) { return forms{"{1}", []byte{1}}, nil }}}
	f.Fuzz(func(t *testing.T, script string) {
		h := NewHandler(lane, 42, noClient{})
		done := make(chan struct{})
		// A message that nobody waits for is held back until the statement is over, which the other half of the script's player sees to.
		go func() {
			defer close(done)
			for _, line := range strings.Split(script, "\n") {
				switch line {
				case "progress":
					h.Progress()
				case "over":
					h.Over()
				default:
					if !h.Message(line, sign("key", line)) && strings.HasPrefix(line, id) {
						t.Errorf("%q is not ours", line)
					}
				}
			}
		}()
		timer := time.NewTimer(20 * time.Millisecond)
		defer timer.Stop()
		for finished := false; !finished; {
			select {
			case <-done:
				finished = true
			case <-timer.C:
				h.Over()
				timer.Reset(time.Millisecond)
			}
		}
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			h.Close()
		}()
		select {
		case <-closed:
		case <-time.After(time.Minute):
			t.Fatal("calls go on after the session's end")
		}
		if h.Busy() {
			t.Error("calls are counted that are over")
		}
	})
}
