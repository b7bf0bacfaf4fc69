package startup

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pgowl/pgowl/proxy/auth"
)

// begin sends a start-up message and tells the messages that come, up to the first ReadyForQuery, as far as they are the same in every
// session.
func begin(t *testing.T, address string, secure bool, version uint32, settings ...string) (log []string) {
	t.Helper()
	var conn net.Conn
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	if secure {
		conn.Write([]byte{0, 0, 0, 8, 4, 210, 22, 47})
		if _, err := conn.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
	}
	body := binary.BigEndian.AppendUint32(nil, version)
	for _, s := range settings {
		body = append(append(body, s...), 0)
	}
	conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(body)+5)), append(body, 0)...))
	for {
		m, err := auth.ReadMessage(conn)
		if err != nil {
			return append(log, "closed")
		}
		switch m[0] {
		case 'K':
			log = append(log, fmt.Sprintf("K of %d bytes", len(m)))
		case 'S', 'v', 'R', 'E':
			log = append(log, fmt.Sprintf("%q", m))
		default:
			log = append(log, string(m[:1]))
		}
		if m[0] == 'Z' || m[0] == 'E' {
			return log
		}
	}
}

func TestProtocolVersions(t *testing.T) { protocolVersions(t, open(t)) }

// Keys are longer there from 3.2 on.
func TestProtocolVersionsOf18(t *testing.T) { protocolVersions(t, open18(t)) }

func protocolVersions(t *testing.T, w *world) {
	plain := w.launch(t, setup{upstream: "sslmode=disable"})
	secure := w.launch(t, setup{upstream: "sslmode=require", cert: w.owl}) // PgOwl looks at the server's first messages
	who := []string{"user", "truster", "database", "postgres"}
	for _, version := range []uint32{3 << 16, 3<<16 | 1, 3<<16 | 2, 3<<16 | 9999, 2 << 16, 4 << 16} {
		for _, more := range [][]string{nil, {"_pq_.nosuch", "1", "_pq_.test_protocol_negotiation", ""}, {"application_name", "x", "options", "-c work_mem=5MB"}} {
			settings := append(append([]string(nil), who...), more...)
			for _, inTLS := range []bool{false, true} {
				address := plain
				if inTLS {
					address = secure
				}
				want := begin(t, w.direct(), inTLS, version, settings...)
				got := begin(t, address, inTLS, version, settings...)
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("version %d.%d, %q, TLS %v:\ngot  %q\nwant %q", version>>16, version&0xffff, more, inTLS, got, want)
				}
			}
		}
	}
}

// A cancel request reaches its session, whatever the length of the key.
func TestCancelWithLongKey(t *testing.T) {
	w := open18(t)
	for _, s := range []setup{{upstream: "sslmode=disable"}, {upstream: "sslmode=require", cert: w.owl}} {
		mode := "sslmode=disable"
		if s.cert != nil {
			mode = "sslmode=require"
		}
		config, err := pgx.ParseConfig(w.conninfo(w.launch(t, s), "scrammer", "secret", mode, "max_protocol_version=3.2"))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		conn, err := pgx.ConnectConfig(ctx, config)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(ctx)
		if n := len(conn.PgConn().SecretKey()); n != 32 {
			t.Errorf("a key of %d bytes", n)
		}
		done := make(chan error, 1)
		go func() {
			_, err := conn.PgConn().Exec(ctx, "SELECT pg_sleep(72)").ReadAll()
			done <- err
		}()
		w.admin(t, func(admin *pgx.Conn) error {
			for sleeping := false; !sleeping; {
				err := admin.QueryRow(ctx, "SELECT count(*) = 1 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(72)' AND wait_event = 'PgSleep'").Scan(&sleeping)
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err := conn.PgConn().CancelRequest(ctx); err != nil {
			t.Fatal(err)
		}
		var e *pgconn.PgError
		if err := <-done; !errors.As(err, &e) || e.Code != "57014" {
			t.Errorf("%s: %v", mode, err)
		}
	}
}
