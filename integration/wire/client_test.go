package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net"
	"regexp"
	"sort"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

const (
	version30 = 3 << 16
	patience  = 30 * time.Second // for a message; only a hang takes that long
)

// client is a connection that speaks the protocol byte by byte.
type client struct {
	conn net.Conn
	in   *bufio.Reader
	out  []byte
	cut  *rand.Rand // nil: what was gathered is written at once; else in pieces of any size
	key  []byte     // of the BackendKeyData
	oids map[uint32]int
	log  []string
}

func dial(address string, cut *rand.Rand) (*client, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &client{conn: conn, in: bufio.NewReader(conn), cut: cut, oids: map[uint32]int{}}, nil
}

func (c *client) close() { c.conn.Close() }

// send writes what was gathered. It does not wait for the server to take it: some scripts send more than it reads.
func (c *client) send() {
	out := c.out
	c.out = nil
	c.conn.SetWriteDeadline(time.Now().Add(patience))
	for len(out) > 0 {
		n := len(out)
		if c.cut != nil {
			n = 1 + c.cut.IntN(min(n, 1<<c.cut.IntN(18)))
		}
		if _, err := c.conn.Write(out[:n]); err != nil {
			return // the reader sees what became of the connection
		}
		out = out[n:]
	}
}

// next reads a message.
func (c *client) next() (typ byte, body []byte, err error) {
	c.conn.SetReadDeadline(time.Now().Add(patience))
	var head [5]byte
	if _, err := io.ReadFull(c.in, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(head[1:])
	if n < 4 || n > 1<<28 {
		return 0, nil, fmt.Errorf("message %q of %d bytes", head[0], n)
	}
	body = make([]byte, n-4)
	_, err = io.ReadFull(c.in, body)
	return head[0], body, err
}

// read notes messages up to one of a type, "eof" for the end of the connection.
func (c *client) read(until string) error {
	for {
		typ, body, err := c.next()
		if err != nil {
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				c.log = append(c.log, "TIMEOUT")
				return fmt.Errorf("nothing came within %v while waiting for %s", patience, until)
			}
			c.log = append(c.log, "EOF")
			if until == "eof" {
				return nil
			}
			return fmt.Errorf("waiting for %s: %w", until, err)
		}
		if typ == 'K' {
			c.key = body
		}
		c.log = append(c.log, c.describe(typ, body))
		if until == string(typ) {
			return nil
		}
	}
}

// describe writes a message down, without what differs from run to run.
func (c *client) describe(typ byte, body []byte) string {
	switch typ {
	case 'K':
		return fmt.Sprintf("K of %d bytes", len(body))
	case 'A':
		return fmt.Sprintf("A %q", body[min(4, len(body)):]) // without the pid
	case 'E', 'N':
		return string(typ) + " " + fields(body)
	case 'T':
		var m pgproto3.RowDescription
		if err := m.Decode(body); err != nil {
			return "T malformed: " + err.Error()
		}
		var b strings.Builder
		b.WriteString("T")
		for _, f := range m.Fields {
			fmt.Fprintf(&b, " %s:%d.%d:%d/%d/%d/%d", f.Name, c.oid(f.TableOID), f.TableAttributeNumber, c.oid(f.DataTypeOID), f.DataTypeSize, f.TypeModifier, f.Format)
		}
		return b.String()
	case 't':
		var m pgproto3.ParameterDescription
		if err := m.Decode(body); err != nil {
			return "t malformed: " + err.Error()
		}
		return fmt.Sprintf("t %d", m.ParameterOIDs)
	}
	if len(body) > 500 {
		h := fnv.New64()
		h.Write(body)
		return fmt.Sprintf("%c %d bytes %x", typ, len(body), h.Sum64())
	}
	return fmt.Sprintf("%c %q", typ, body)
}

// oid gives objects of this database numbers in the order of their appearance.
func (c *client) oid(n uint32) int {
	if n < 16384 {
		return int(n)
	}
	if _, ok := c.oids[n]; !ok {
		c.oids[n] = 100000 + len(c.oids)
	}
	return c.oids[n]
}

// tempSchema is a session's schema of temporary tables, whose number is its server process's.
var tempSchema = regexp.MustCompile(`\bpg_temp_[0-9]+\b`)

// fields gives an error's fields but the place in the server's source.
func fields(body []byte) string {
	var all []string
	for len(body) > 1 {
		value, rest, ok := strings.Cut(string(body[1:]), "\x00")
		if !ok {
			return fmt.Sprintf("malformed %q", body)
		}
		if !strings.ContainsRune("FLR", rune(body[0])) {
			all = append(all, fmt.Sprintf("%c=%q", body[0], tempSchema.ReplaceAllString(value, "pg_temp_N")))
		}
		body = []byte(rest)
	}
	sort.Strings(all)
	return strings.Join(all, " ")
}
