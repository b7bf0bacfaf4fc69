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
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

const (
	version30 = 3 << 16
	patience  = 3 * time.Minute // for a message; only a hang takes that long
)

// client is a connection that speaks the protocol byte by byte.
type client struct {
	conn    net.Conn
	in      io.Reader
	how     manner
	dice    *rand.Rand
	out     []byte
	writing sync.WaitGroup
	key     []byte // of the BackendKeyData
	oids    map[uint32]int
	got     int  // bytes
	both    bool // copies in both directions
	log     []string
}

func dial(address string, how manner, seed uint64) (*client, error) {
	var d net.Dialer
	if how.slow {
		// Before connecting, since the window is agreed on then.
		d.Control = func(_, _ string, raw syscall.RawConn) error {
			return raw.Control(func(fd uintptr) { syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 2048) })
		}
	}
	conn, err := d.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	c := &client{conn: conn, how: how, dice: rand.New(rand.NewPCG(seed, 1)), oids: map[uint32]int{}}
	if how.slow {
		c.in = &sipper{conn, rand.New(rand.NewPCG(seed, 2))}
	} else {
		c.in = bufio.NewReader(conn)
	}
	return c, nil
}

func (c *client) close() {
	c.conn.Close()
	c.writing.Wait()
}

// send writes what was gathered. It does not wait for the server to take it: some scripts send more than it reads.
func (c *client) send() {
	out := c.out
	c.out = nil
	if !c.how.once {
		c.write(out)
		return
	}
	// So much at once that the answers may have to be read for it to be taken.
	c.writing.Wait()
	c.writing.Add(1)
	go func() {
		defer c.writing.Done()
		c.write(out)
	}()
}

func (c *client) write(out []byte) {
	c.conn.SetWriteDeadline(time.Now().Add(patience))
	for len(out) > 0 {
		n := len(out)
		if c.how.piece != nil {
			n = min(n, c.how.piece(c.dice))
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
	c.got += int(n) + 1
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
		if m := c.describe(typ, body); m != "" {
			c.log = append(c.log, m)
		}
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
		oids := make([]int, len(m.ParameterOIDs))
		for i, n := range m.ParameterOIDs {
			oids[i] = c.oid(n)
		}
		return fmt.Sprintf("t %d", oids)
	}
	if typ == 'd' && c.both {
		return "" // what is sent on its own, and how often, is the server's to say
	}
	if typ == 'W' {
		c.both = true
	}
	if len(body) > 500 {
		h := fnv.New64()
		h.Write(body)
		return fmt.Sprintf("%c %d bytes %x", typ, len(body), h.Sum64())
	}
	return fmt.Sprintf("%c %q", typ, position.ReplaceAll(body, []byte("LSN")))
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

// position is one in the write-ahead log.
var position = regexp.MustCompile(`\b[0-9A-F]{1,8}/[0-9A-F]{6,8}\b`)

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
			all = append(all, fmt.Sprintf("%c=%q", body[0], position.ReplaceAllString(tempSchema.ReplaceAllString(value, "pg_temp_N"), "LSN")))
		}
		body = []byte(rest)
	}
	sort.Strings(all)
	return strings.Join(all, " ")
}
