package pool

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pgowl/pgowl/integration/pgtest"
)

// TestMain fails when a goroutine of the pool's outlives the tests.
func TestMain(m *testing.M) { pgtest.MainLeaks(m, nil, "pgowl/proxy/pool") }

// bench is a pool in front of a real server, and clients that reach it as they would through the proxy.
type bench struct {
	t      *testing.T
	pool   *Pool
	server *pgtest.Server
	wait   sync.WaitGroup

	mu     sync.Mutex
	links  map[string]*Link // by application_name
	leases map[string]*Lease
}

func newBench(t *testing.T, server *pgtest.Server, o Options) *bench {
	t.Helper()
	address := fmt.Sprintf("127.0.0.1:%d", server.Port())
	o.Dial = func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", address)
	}
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, pool: p, server: server, links: map[string]*Link{}, leases: map[string]*Lease{}}
	t.Cleanup(func() {
		b.wait.Wait()
		p.Close()
		if st := p.Stats(); st.Servers != 0 || st.Waiting != 0 {
			t.Errorf("after the end: %+v", st)
		}
	})
	return b
}

// dial gives a client's connection.
func (b *bench) dial(ctx context.Context, network, address string) (net.Conn, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		return nil, err
	}
	inside, err := l.Accept()
	if err != nil {
		return nil, err
	}
	b.wait.Add(1)
	go func() {
		defer b.wait.Done()
		defer inside.Close()
		b.serve(inside)
	}()
	return client, nil
}

func (b *bench) serve(conn net.Conn) {
	var head [8]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return
	}
	rest := make([]byte, binary.BigEndian.Uint32(head[:])-8)
	io.ReadFull(conn, rest)
	code := binary.BigEndian.Uint32(head[4:])
	if code == 80877102 {
		b.mu.Lock()
		links, leases := b.links, b.leases
		b.mu.Unlock()
		for _, l := range links {
			if string(l.Key()) == string(rest) {
				l.Cancel(context.Background())
			}
		}
		for _, l := range leases {
			if string(l.key) == string(rest) {
				l.Cancel(context.Background())
			}
		}
		return
	}
	c, ok := NewClient(code, rest)
	if !ok {
		b.t.Error("a start-up message was not read")
		return
	}
	c.Proven = true
	conn.Write(c.Negotiation())
	name := c.application
	if b.pool.Mode() == Session {
		l, err := b.pool.Lend(context.Background(), c)
		if err != nil {
			conn.Write(Refusal(err))
			return
		}
		b.mu.Lock()
		b.leases[name] = l
		b.mu.Unlock()
		conn.Write(l.Greeting())
		l.Return(l.Conn(), b.relay(conn, l.Conn()))
		return
	}
	l, err := b.pool.Link(context.Background(), c, func(uint32) {})
	if err != nil {
		conn.Write(Refusal(err))
		return
	}
	b.mu.Lock()
	b.links[name] = l
	b.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		io.Copy(conn, l)
		conn.Close()
	}()
	io.Copy(l, conn)
	l.CloseWrite()
	l.Close()
	<-done
}

// relay stands in for a session in session mode, of a client that takes turns with the server.
func (b *bench) relay(client, server net.Conn) (tx byte) {
	done := make(chan byte)
	go func() {
		in := newFrames(server)
		tx := byte('I')
		for {
			typ, body, err := in.next()
			if err != nil {
				client.Close()
				if !interrupted(err) {
					tx = 0
				}
				done <- tx
				return
			}
			client.Write(whole(typ, body))
			if typ == 'Z' {
				tx = body[0]
			}
		}
	}()
	in := newFrames(client)
	for {
		typ, body, err := in.next()
		if err != nil || typ == 'X' {
			server.SetReadDeadline(past)
			tx = <-done
			server.SetReadDeadline(time.Time{})
			return tx
		}
		server.Write(whole(typ, body))
	}
}

// connect opens a client's session. Settings are of the start-up message.
func (b *bench) connect(database string, settings ...string) *pgx.Conn {
	b.t.Helper()
	conn, err := b.tryConnect(database, settings...)
	if err != nil {
		b.t.Fatal(err)
	}
	return conn
}

func (b *bench) tryConnect(database string, settings ...string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(database)
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i < len(settings); i += 2 {
		if settings[i] == "user" {
			config.User = settings[i+1]
			continue
		}
		config.RuntimeParams[settings[i]] = settings[i+1]
	}
	config.DialFunc = b.dial
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, config)
	if err == nil {
		b.t.Cleanup(func() { conn.Close(context.Background()) })
	}
	return conn, err
}

// value runs a query that gives one text.
func value(t *testing.T, conn *pgx.Conn, sql string, args ...any) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var got *string
	if err := conn.QueryRow(ctx, sql, args...).Scan(&got); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	if got == nil {
		return "NULL"
	}
	return *got
}

// exec runs simple queries.
func exec(t *testing.T, conn *pgx.Conn, texts ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, sql := range texts {
		if _, err := conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

// code runs a simple query that fails, and gives its SQLSTATE.
func code(t *testing.T, conn *pgx.Conn, sql string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	if pg, ok := err.(*pgconn.PgError); ok {
		return pg.Code
	}
	return fmt.Sprint(err)
}

func end(conn *pgx.Conn) { conn.Close(context.Background()) }

// patience is how long a test waits for what takes a moment; only a hang takes that long.
const patience = 3 * time.Minute

// until waits for something that another goroutine brings about.
func until(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("it never came to that")
		}
	}
}
