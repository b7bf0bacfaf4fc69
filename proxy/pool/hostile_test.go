package pool

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/pgowl/pgowl/integration/pgtest"
	"github.com/pgowl/pgowl/proxy/protocol"
)

// raw gives a client's bare connection.
func (b *bench) raw(database string, settings ...string) *pgconn.HijackedConn {
	b.t.Helper()
	conn := b.connect(database, settings...)
	h, err := conn.PgConn().Hijack()
	if err != nil {
		b.t.Fatal(err)
	}
	h.Conn.SetDeadline(time.Now().Add(60 * time.Second))
	b.t.Cleanup(func() { h.Conn.Close() })
	return h
}

func messages(t *testing.T, all ...pgproto3.FrontendMessage) []byte {
	t.Helper()
	var out []byte
	for _, m := range all {
		var err error
		if out, err = m.Encode(out); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// A client that sends a Sync among its copy data leaves it open whether the server reads that inside the copy, and ignores it, or
// behind the error that ends the copy, and answers it. What the server may still owe must not reach the next client.
func TestSyncInsideAFailingCopy(t *testing.T) {
	server := pgtest.Start(t)
	db := server.Database(t)
	statement := func(sql string) []pgproto3.FrontendMessage {
		return []pgproto3.FrontendMessage{&pgproto3.Parse{Query: sql}, &pgproto3.Bind{}, &pgproto3.Execute{}}
	}
	const copyIn = "COPY t FROM STDIN"
	for name, begin := range map[string][]pgproto3.FrontendMessage{
		"simple":   {&pgproto3.Query{String: copyIn}},
		"extended": append(statement(copyIn), &pgproto3.Flush{}),
		"synced":   append(statement(copyIn), &pgproto3.Sync{}),
	} {
		for _, mode := range []Mode{Transaction} {
			t.Run(name+" "+string(mode), func(t *testing.T) {
				b := newBench(t, server, Options{Mode: mode, Size: 1})
				exec(t, b.connect(db), "DROP TABLE IF EXISTS t", "CREATE TABLE t (a int)")
				victim := b.connect(db)
				hostile := b.raw(db)
				hostile.Conn.Write(messages(t, begin...))
				for {
					m, err := hostile.Frontend.Receive()
					if err != nil {
						t.Fatal(err)
					}
					if _, ok := m.(*pgproto3.CopyInResponse); ok {
						break
					}
				}
				all := []pgproto3.FrontendMessage{&pgproto3.CopyData{Data: []byte("no number\n")}, &pgproto3.Sync{}, &pgproto3.CopyDone{}}
				all = append(all, statement("SELECT pg_sleep(0.5), 'evil'")...)
				hostile.Conn.Write(messages(t, append(all, &pgproto3.Sync{})...))
				for {
					m, err := hostile.Frontend.Receive()
					if err != nil {
						t.Fatal(err)
					}
					if _, ok := m.(*pgproto3.ReadyForQuery); ok {
						break
					}
				}
				go func() { // it leaves when it has seen enough, so that a connection that it keeps becomes free
					for {
						m, err := hostile.Frontend.Receive()
						if _, ok := m.(*pgproto3.ReadyForQuery); ok || err != nil {
							hostile.Conn.Close()
							return
						}
					}
				}()
				for _, want := range []string{"one", "two", "three"} {
					r, err := victim.PgConn().Exec(context.Background(), "SELECT '"+want+"'").ReadAll()
					if err != nil || len(r) != 1 || len(r[0].Rows) != 1 || string(r[0].Rows[0][0]) != want {
						t.Errorf("the next client gets %d results, %v for %q", len(r), err, want)
					}
				}
			})
		}
	}
}

// A Parse that the server skips changes nothing there: the next one with this text finds the statement or makes it.
func TestParseAgainAfterASkippedOne(t *testing.T) {
	server := pgtest.Start(t)
	db := server.Database(t)
	b := newBench(t, server, Options{Mode: Transaction, Size: 1})
	one, two := b.raw(db), b.connect(db)
	const text = "SELECT 'kept'"
	if _, err := two.PgConn().Prepare(context.Background(), "a", text, nil); err != nil {
		t.Fatal(err)
	}
	one.Conn.Write(messages(t, &pgproto3.Parse{Query: "SELECT 1/0"}, &pgproto3.Bind{}, &pgproto3.Execute{}, &pgproto3.Parse{Name: "b", Query: text}, &pgproto3.Sync{}))
	for {
		m, err := one.Frontend.Receive()
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := m.(*pgproto3.ReadyForQuery); ok {
			break
		}
	}
	for _, name := range []string{"c", "d"} {
		if _, err := two.PgConn().Prepare(context.Background(), name, text, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A statement that was deallocated behind the pool's back is missed once at most.
func TestDeallocatedBehindThePool(t *testing.T) {
	server := pgtest.Start(t)
	db := server.Database(t)
	b := newBench(t, server, Options{Mode: Transaction, Size: 1})
	one, two := b.connect(db), b.connect(db)
	ctx := context.Background()
	if _, err := one.PgConn().Prepare(ctx, "s", "SELECT 'here'", nil); err != nil {
		t.Fatal(err)
	}
	exec(t, two, "DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$")
	end(two)
	one.PgConn().ExecPrepared(ctx, "s", nil, nil, nil).Read()
	r := one.PgConn().ExecPrepared(ctx, "s", nil, nil, nil).Read()
	if r.Err != nil || string(r.Rows[0][0]) != "here" {
		t.Errorf("%v, %v", r.Rows, r.Err)
	}
}

// What keeps something is seen where it hides.
func TestHiddenKeepers(t *testing.T) {
	for _, text := range []string{
		"SELECT set_config('application_name', set_config('work_mem', '1MB', false), true)",
		"SELECT set_config('a.b', pg_advisory_lock(1)::text, true)",
		"UPDATE pg_settings SET setting = '1MB' WHERE name = 'work_mem'",
		"update pg_catalog.pg_settings set setting = '1MB' where name = 'work_mem'",
		`SELECT U&"set\005fconfig"('work_mem', '1MB', false)`,
		`DO U&'BEGIN PERFORM \0073et_config(''work_mem'', ''1MB'', false); END'`,
		"DO $$ BEGIN EXECUTE 'LIS' || 'TEN x'; END $$",
		"SET search_path = 'pg_temp'",
	} {
		if v := judge([]byte(text), false); v.pin == "" {
			t.Errorf("not kept: %s", text)
		}
	}
	for _, text := range []string{
		"SELECT set_config('application_name', lower('X'), true)",
		"SELECT setting FROM pg_settings WHERE name = 'work_mem'",
		"UPDATE t SET a = (SELECT setting FROM my_settings)",
		`SELECT u & 1, u&1, x.u & "a"`,
	} {
		if v := judge([]byte(text), false); v.pin != "" {
			t.Errorf("kept for %s: %s", v.pin, text)
		}
	}
}

// A statement that keeps something keeps it when EXECUTE runs it, too.
func TestExecuteKeepsWhatTheStatementKeeps(t *testing.T) {
	server := pgtest.Start(t)
	db := server.Database(t)
	b := newBench(t, server, Options{Mode: Transaction, Size: 1})
	one, two := b.connect(db), b.connect(db)
	if _, err := one.PgConn().Prepare(context.Background(), "s", "SELECT set_config('work_mem', '77MB', false)", nil); err != nil {
		t.Fatal(err)
	}
	exec(t, one, "EXECUTE s")
	end(one)
	if got := value(t, two, "SHOW work_mem"); got == "77MB" {
		t.Error("another client's setting")
	}
	if b.pool.Stats().Pins != 1 {
		t.Error("the server connection was not kept")
	}
}

// A client that asks for answers which cost the pool nothing, and reads none of them, is not read from for ever.
func TestSyncsWithoutEndAndAReader(t *testing.T) {
	server := pgtest.Start(t)
	b := newBench(t, server, Options{Mode: Transaction, Size: 1})
	c, ok := NewClient(3<<16, []byte("user\x00postgres\x00\x00"))
	if !ok {
		t.Fatal("no client")
	}
	c.Proven = true
	l, err := b.pool.Link(context.Background(), c, func(uint32) {})
	if err != nil {
		t.Fatal(err)
	}
	flood := bytes.Repeat([]byte{'S', 0, 0, 0, 4}, 1<<20)
	done := make(chan error, 1)
	go func() {
		_, err := l.Write(flood)
		done <- err
	}()
	select {
	case err := <-done:
		l.mu.Lock()
		t.Errorf("%d bytes wait for the client, %v", len(l.out), err)
		l.mu.Unlock()
	case <-time.After(300 * time.Millisecond):
		// It waits for the reader, who reads what it asked for.
		want := 6 * len(flood) / 5
		var got int
		buf := make([]byte, 64<<10)
		for got < want {
			n, err := l.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			if got == 0 && !bytes.HasPrefix(buf, []byte{'R'}) {
				t.Fatalf("%q", buf[:n])
			}
			got += n
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	l.Close()
}

// A server that announces a large message gets memory as it sends it.
func TestAnnouncedSizeCostsNothing(t *testing.T) {
	f := newFrames(io.MultiReader(strings.NewReader("T\x3f\xff\xff\xff"), strings.NewReader("rest")))
	if err := f.fill(protocol.HeaderSize); err != nil {
		t.Fatal(err)
	}
	_, size, _ := f.peek()
	if err := f.fill(size); err != nil {
		t.Fatal(err)
	}
	if len(f.data) > 1<<20 {
		t.Errorf("%d bytes of memory for 9 bytes of a message", len(f.data))
	}
	if got := string(f.data[f.r:f.w]); got != "T\x3f\xff\xff\xffrest" {
		t.Errorf("%q", got)
	}
	// And all of a large one arrives.
	body := bytes.Repeat([]byte("0123456789"), 100_000)
	f = newFrames(iotestHalf{bytes.NewReader(protocol.Append(nil, 'T', body))})
	if _, got, err := f.next(); err != nil || !bytes.Equal(got, body) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// iotestHalf reads half of what it could.
type iotestHalf struct{ r io.Reader }

func (h iotestHalf) Read(p []byte) (int, error) { return h.r.Read(p[:(len(p)+1)/2]) }
