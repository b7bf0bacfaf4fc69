package proxy

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/pgowl/pgowl/exec"
	"github.com/pgowl/pgowl/exec/call"
	"github.com/pgowl/pgowl/exec/mailbox"
	"go.uber.org/zap/zapcore"
)

// FuzzSession is FuzzRelay for a session that has logged in and may use the stack, whose database does not answer: statements of ours are
// planned, prepared, streamed and failed while the server says what it likes. The session ends, without a panic.
func FuzzSession(f *testing.F) {
	const stream = "SELECT pgml.predict('line', ARRAY[g, 1]::real[]) FROM generate_series(1, 9) g"
	f.Add(encode(&pgproto3.Query{String: "SELECT pgml.embed('m', 'x')"}, &pgproto3.Terminate{}), encode(&pgproto3.ReadyForQuery{TxStatus: 'I'}), uint64(0))
	f.Add(encode(&pgproto3.Query{String: stream}), encode(&pgproto3.CloseComplete{}, &pgproto3.ParseComplete{}, &pgproto3.ParameterDescription{},
		&pgproto3.RowDescription{Fields: []pgproto3.FieldDescription{{Name: []byte("predict"), DataTypeOID: 700}, {DataTypeOID: 20}, {DataTypeOID: 1021}}},
		&pgproto3.BindComplete{}, &pgproto3.DataRow{Values: [][]byte{nil, nil, nil}}, &pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")},
		&pgproto3.CloseComplete{}, &pgproto3.ReadyForQuery{TxStatus: 'I'}), uint64(1))
	f.Add(encode(&pgproto3.Parse{Name: "a", Query: "SELECT pgml.predict($1, $2::real[])"}, &pgproto3.Describe{ObjectType: 'S', Name: "a"},
		&pgproto3.Bind{PreparedStatement: "a", Parameters: [][]byte{[]byte("line"), []byte("{1,2}")}}, &pgproto3.Execute{}, &pgproto3.Close{ObjectType: 'S', Name: "a"},
		&pgproto3.Sync{}), encode(&pgproto3.ParseComplete{}, &pgproto3.ParameterDescription{ParameterOIDs: []uint32{25, 1021, 25, 25}}, &pgproto3.NoData{},
		&pgproto3.ErrorResponse{Code: "08P01", Message: "x requires 4"}, &pgproto3.ReadyForQuery{TxStatus: 'I'}), uint64(2))
	f.Add(encode(&pgproto3.Query{String: "CREATE EXTENSION pgml"}), encode(&pgproto3.NoticeResponse{Code: call.Code, Message: "a b c", Detail: "00"},
		&pgproto3.CommandComplete{CommandTag: []byte("DO")}, &pgproto3.ReadyForQuery{TxStatus: 'I'}), uint64(3))
	f.Add(encode(&pgproto3.Query{String: "SELECT * FROM pgml.train('p', 'regression', 'r', 'y')"}), encode(&pgproto3.CloseComplete{}, &pgproto3.ParseComplete{}, &pgproto3.BindComplete{},
		&pgproto3.RowDescription{Fields: []pgproto3.FieldDescription{{Name: []byte("project"), DataTypeOID: 25}}}, &pgproto3.CloseComplete{}, &pgproto3.ParseComplete{},
		&pgproto3.BindComplete{}, &pgproto3.DataRow{Values: [][]byte{[]byte("t")}}, &pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")}, &pgproto3.CloseComplete{},
		&pgproto3.CloseComplete{}, &pgproto3.CopyData{Data: []byte("PGCOPY")}, &pgproto3.ErrorResponse{Code: "42601", Position: 3}, &pgproto3.ReadyForQuery{TxStatus: 'I'}), uint64(4))
	engine, err := exec.New(exec.Options{Service: "postgres://me@/db?sslmode=disable&host=" + f.TempDir(), Models: f.TempDir(), Retry: 24 * time.Hour})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(engine.Stop)
	if err := engine.Start(context.Background()); err != nil {
		f.Fatal(err)
	}
	log, logged := fuzzLog()
	lane := &call.Lane{Log: log, Mail: mailbox.New(func(context.Context) (*pgconn.PgConn, error) { return nil, io.ErrClosedPipe }, 2)}
	p := &Server{options: Options{Log: log, Engine: engine}, metrics: newMetrics(nil), keys: map[cancelKey]*session{}}
	if p.upstream, err = newUpstream("postgres://me@/db?sslmode=disable&host="+f.TempDir(), "", nil); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, fromClient, fromServer []byte, seed uint64) {
		s := &session{proxy: p, log: log}
		var client, server net.Conn
		client, s.client = socketPair(t)
		server, s.server = socketPair(t)
		s.moved = sync.NewCond(&s.mu)
		s.ctx, s.cancel = context.WithCancelCause(context.Background())
		s.calls.Store(call.NewHandler(lane, 1, s))
		s.params.encoding, s.params.strings = "UTF8", "on"
		over := make(chan struct{})
		go func() {
			defer close(over)
			s.run(newBuffer(s.client))
			s.client.Close()
			s.server.Close()
		}()
		var wait sync.WaitGroup
		wait.Go(func() { io.Copy(io.Discard, client) })
		wait.Go(func() {
			inPieces(client, fromClient, rand.New(rand.NewPCG(seed, 1)))
			client.(*net.UnixConn).CloseWrite()
		})
		wait.Go(func() {
			server.Write(encode(&pgproto3.ReadyForQuery{TxStatus: 'I'}))
			inPieces(server, fromServer, rand.New(rand.NewPCG(seed, 2)))
			server.(*net.UnixConn).CloseWrite()
			io.Copy(io.Discard, server)
		})
		select {
		case <-over:
		case <-time.After(fuzzPatience):
			t.Fatalf("the session hangs\n%s", stacks())
		}
		client.Close()
		server.Close()
		wait.Wait()
		for _, e := range logged.TakeAll() {
			if e.Level >= zapcore.ErrorLevel {
				t.Errorf("%s: %v", e.Message, e.ContextMap())
			}
		}
	})
}

func socketPair(tb testing.TB) (a, b net.Conn) {
	tb.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		tb.Fatal(err)
	}
	var conns [2]net.Conn
	for i, fd := range fds {
		f := os.NewFile(uintptr(fd), "pair")
		if conns[i], err = net.FileConn(f); err != nil {
			tb.Fatal(err)
		}
		f.Close()
	}
	return conns[0], conns[1]
}
