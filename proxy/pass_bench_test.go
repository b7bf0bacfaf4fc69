package proxy

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/pgowl/pgowl/exec/call"
	"go.uber.org/zap"
)

// echo is a session between a client and a server that are this test: what the client sends comes out at the server, and back.
type echo struct {
	client, server net.Conn // the test's ends
	wait           sync.WaitGroup
}

// newEcho makes one with as many loops; none: goroutines move its messages.
func newEcho(tb testing.TB, loops int) *echo {
	tb.Helper()
	e := &echo{}
	p := &Server{options: Options{Log: zap.NewNop()}, metrics: newMetrics(nil)}
	s := &session{proxy: p, log: zap.NewNop()}
	if loops > 0 {
		var err error
		if p.drivers, err = newLoops(loops); err != nil {
			tb.Skip(err)
		}
		s.drivable = true
	}
	e.client, s.client = tcpPair(tb)
	e.server, s.server = tcpPair(tb)
	s.moved = sync.NewCond(&s.mu)
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	s.calls.Store(call.NewHandler(&call.Lane{Log: zap.NewNop()}, 1, nil)) // so that texts are looked at
	e.wait.Add(1)
	go func() {
		defer e.wait.Done()
		s.run(newBuffer(s.client))
	}()
	tb.Cleanup(func() {
		e.client.Close()
		e.server.Close()
		e.wait.Wait()
		for _, d := range p.drivers {
			d.stop()
		}
	})
	e.server.Write(encode(&pgproto3.ReadyForQuery{TxStatus: 'I'}))
	io.ReadFull(e.client, make([]byte, 6))
	return e
}

func tcpPair(tb testing.TB) (a, b net.Conn) {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	if a, err = net.Dial("tcp", l.Addr().String()); err != nil {
		tb.Fatal(err)
	}
	if b, err = l.Accept(); err != nil {
		tb.Fatal(err)
	}
	return a, b
}

// trip sends a request through and an answer back. It makes no garbage of its own.
func (e *echo) trip(request, answer, scratch []byte) error {
	if _, err := e.client.Write(request); err != nil {
		return err
	}
	if _, err := io.ReadFull(e.server, scratch[:len(request)]); err != nil {
		return err
	}
	if _, err := e.server.Write(answer); err != nil {
		return err
	}
	_, err := io.ReadFull(e.client, scratch[:len(answer)])
	return err
}

// passed are exchanges that are none of ours: pgbench's, in its three modes.
func passed() map[string][2][]byte {
	const text = "SELECT abalance FROM pgbench_accounts WHERE aid = $1;"
	row := []pgproto3.Message{
		&pgproto3.RowDescription{Fields: []pgproto3.FieldDescription{{Name: []byte("abalance"), DataTypeOID: 23, DataTypeSize: 4, TypeModifier: -1}}},
		&pgproto3.DataRow{Values: [][]byte{[]byte("0")}},
		&pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")}, &pgproto3.ReadyForQuery{TxStatus: 'I'}}
	bound := append([]pgproto3.Message{&pgproto3.BindComplete{}}, row...)
	run := []pgproto3.Message{&pgproto3.Bind{Parameters: [][]byte{[]byte("4711")}}, &pgproto3.Describe{ObjectType: 'P'}, &pgproto3.Execute{}, &pgproto3.Sync{}}
	return map[string][2][]byte{
		"simple":   {encode(&pgproto3.Query{String: text}), encode(row...)},
		"extended": {encode(append([]pgproto3.Message{&pgproto3.Parse{Query: text}}, run...)...), encode(append([]pgproto3.Message{&pgproto3.ParseComplete{}}, bound...)...)},
		"named":    {encode(append([]pgproto3.Message{&pgproto3.Parse{Name: "P_0", Query: text}}, run...)...), encode(append([]pgproto3.Message{&pgproto3.ParseComplete{}}, bound...)...)},
		"prepared": {encode(run...), encode(bound...)},
	}
}

// TestPassAllocatesNothing: a statement that is none of ours goes both ways without garbage.
func TestPassAllocatesNothing(t *testing.T) {
	for _, loops := range []int{0, 1} {
		passAllocatesNothing(t, loops)
	}
}

func passAllocatesNothing(t *testing.T, loops int) {
	for name, m := range passed() {
		e := newEcho(t, loops)
		scratch := make([]byte, len(m[0])+len(m[1]))
		var failed error
		n := testing.AllocsPerRun(200, func() {
			if err := e.trip(m[0], m[1], scratch); err != nil {
				failed = err
			}
		})
		if failed != nil {
			t.Fatalf("%s: %v", name, failed)
		}
		if n > 0 {
			t.Errorf("%s, %d loops: %.1f allocations for a statement", name, loops, n)
		}
	}
}

func BenchmarkPass(b *testing.B) {
	for loops, driver := range []string{"goroutines", "loop"} {
		for _, name := range []string{"simple", "extended", "prepared"} {
			b.Run(driver+"/"+name, func(b *testing.B) {
				m := passed()[name]
				e := newEcho(b, loops)
				scratch := make([]byte, len(m[0])+len(m[1]))
				b.ReportAllocs()
				b.SetBytes(int64(len(m[0]) + len(m[1])))
				for b.Loop() {
					if err := e.trip(m[0], m[1], scratch); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
