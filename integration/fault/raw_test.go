package fault

import (
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
)

// raw is a client without manners.
type raw struct {
	*net.TCPConn
	in *pgproto3.Frontend
}

// mark is the application name of those who are to be gone afterwards.
const mark = "fault"

// dial connects, and says nothing yet.
func dial(t *testing.T, address string) *raw {
	t.Helper()
	c, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(2 * patience))
	t.Cleanup(func() { c.Close() })
	return &raw{c.(*net.TCPConn), pgproto3.NewFrontend(c, c)}
}

// startup is a start-up message for the database of a URL.
func startup(t *testing.T, url, user string) []byte {
	t.Helper()
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	return bytesOf(&pgproto3.StartupMessage{ProtocolVersion: 3 << 16, Parameters: map[string]string{"user": user, "database": config.Database, "application_name": mark}})
}

func bytesOf(messages ...pgproto3.FrontendMessage) []byte {
	var b []byte
	for _, m := range messages {
		b, _ = m.Encode(b)
	}
	return b
}

// login is a client that has logged in.
func login(t *testing.T, address, url string) *raw {
	t.Helper()
	c := dial(t, address)
	c.say(startup(t, url, "postgres"))
	if err := c.until('Z'); err != nil {
		t.Fatal(err)
	}
	return c
}

// say sends bytes; what comes of it shows when the answer is read.
func (c *raw) say(b []byte) { c.Write(b) }

func (c *raw) query(sql string) { c.say(bytesOf(&pgproto3.Query{String: sql})) }

// until reads up to a message of a type.
func (c *raw) until(typ byte) error {
	for {
		m, err := c.in.Receive()
		if err != nil {
			return err
		}
		if e, ok := m.(*pgproto3.ErrorResponse); ok && typ != 'E' {
			return fmt.Errorf("%s: %s", e.Code, e.Message)
		}
		b, _ := m.Encode(nil)
		if b[0] == typ {
			return nil
		}
	}
}

// reset ends the connection with a reset.
func (c *raw) reset() {
	c.SetLinger(0)
	c.Close()
}

// over reads what still comes, and reports whether that has an end within a test's patience.
func (c *raw) over() bool {
	c.SetReadDeadline(time.Now().Add(patience))
	_, err := io.Copy(io.Discard, c.TCPConn)
	var timeout net.Error
	return !errors.As(err, &timeout) || !timeout.Timeout()
}
