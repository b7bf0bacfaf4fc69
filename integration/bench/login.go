package main

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// client logs in as drivers do, with less work of its own: what SCRAM derives from the password is computed once for a salt, so that
// the proxy is what is measured.
type client struct {
	address, user, database, password string
	tls                               *tls.Config // nil: no TLS

	mu   sync.Mutex
	keys map[string]keys // by salt and iterations
}

// keys are SCRAM's, RFC 5802.
type keys struct{ client, stored []byte }

func newClient(raw string, secure bool) (*client, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, err
	}
	c := &client{address: u.Host, user: u.User.Username(), database: strings.TrimPrefix(u.Path, "/"), keys: map[string]keys{}}
	c.password, _ = u.User.Password()
	if secure {
		c.tls = &tls.Config{InsecureSkipVerify: true} // the certificate is of this run
	}
	return c, nil
}

// link is a session that has logged in.
type link struct {
	net.Conn
	in *bufio.Reader
}

// loginLimit is how long a log-in may take on a busy machine.
const loginLimit = 60 * time.Second

// login opens a session and waits until it is ready.
func (c *client) login(ctx context.Context) (_ *link, err error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", c.address)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			conn.Close()
		}
	}()
	conn.SetDeadline(time.Now().Add(loginLimit))
	if c.tls != nil {
		if _, err := conn.Write([]byte{0, 0, 0, 8, 4, 210, 22, 47}); err != nil {
			return nil, err
		}
		var answer [1]byte
		if _, err := io.ReadFull(conn, answer[:]); err != nil {
			return nil, err
		}
		if answer[0] != 'S' {
			return nil, errors.New("TLS was refused")
		}
		conn = tls.Client(conn, c.tls)
	}
	l := &link{conn, bufio.NewReaderSize(conn, 1024)}
	settings := "\x00\x03\x00\x00user\x00" + c.user + "\x00database\x00" + c.database + "\x00\x00"
	if _, err := l.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(settings)+4)), settings...)); err != nil {
		return nil, err
	}
	if err := c.prove(l); err != nil {
		return nil, err
	}
	if err := l.untilReady(); err != nil {
		return nil, err
	}
	return l, conn.SetDeadline(time.Time{})
}

// prove answers the server's questions until it is content.
func (c *client) prove(l *link) error {
	raw := make([]byte, 18)
	rand.Read(raw)
	nonce := base64.StdEncoding.EncodeToString(raw)
	bare := "n=,r=" + nonce
	for {
		typ, body, err := l.message()
		if err != nil {
			return err
		}
		if typ != 'R' || len(body) < 4 {
			return fmt.Errorf("message %q while logging in: %q", typ, body)
		}
		switch kind := binary.BigEndian.Uint32(body); kind {
		case 0:
			return nil
		case 10:
			first := "n,," + bare
			err = l.send('p', append(binary.BigEndian.AppendUint32([]byte("SCRAM-SHA-256\x00"), uint32(len(first))), first...))
		case 11:
			var last string
			if last, err = c.proof(string(body[4:]), bare, nonce); err == nil {
				err = l.send('p', []byte(last))
			}
		case 12: // the server's own proof: it is the one that we started
		default:
			err = fmt.Errorf("authentication request %d", kind)
		}
		if err != nil {
			return err
		}
	}
}

// proof is SCRAM's last message of the client.
func (c *client) proof(serverFirst, bare, nonce string) (string, error) {
	parts := strings.Split(serverFirst, ",")
	if len(parts) < 3 || !strings.HasPrefix(parts[0], "r="+nonce) || !strings.HasPrefix(parts[1], "s=") || !strings.HasPrefix(parts[2], "i=") {
		return "", errors.New("a SCRAM message that is none")
	}
	k, err := c.derive(parts[1][2:], parts[2][2:])
	if err != nil {
		return "", err
	}
	last := "c=biws," + parts[0]
	proof := sum(k.stored, bare+","+serverFirst+","+last)
	for i := range proof {
		proof[i] ^= k.client[i]
	}
	return last + ",p=" + base64.StdEncoding.EncodeToString(proof), nil
}

func (c *client) derive(salt, iterations string) (keys, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k, ok := c.keys[salt+","+iterations]; ok {
		return k, nil
	}
	raw, err := base64.StdEncoding.DecodeString(salt)
	if err != nil {
		return keys{}, err
	}
	n, err := strconv.Atoi(iterations)
	if err != nil {
		return keys{}, err
	}
	salted, err := pbkdf2.Key(sha256.New, c.password, raw, n, sha256.Size)
	if err != nil {
		return keys{}, err
	}
	k := keys{client: sum(salted, "Client Key")}
	stored := sha256.Sum256(k.client)
	k.stored = stored[:]
	c.keys[salt+","+iterations] = k
	return k, nil
}

func sum(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// message reads one; an error of the server is an error.
func (l *link) message() (typ byte, body []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(l.in, head[:]); err != nil {
		return 0, nil, err
	}
	size := int(binary.BigEndian.Uint32(head[1:])) - 4
	if size < 0 || size > 1<<20 {
		return 0, nil, fmt.Errorf("message %q of %d bytes", head[0], size)
	}
	body = make([]byte, size)
	if _, err := io.ReadFull(l.in, body); err != nil {
		return 0, nil, err
	}
	if head[0] == 'E' {
		return 0, nil, fmt.Errorf("the server says: %q", body)
	}
	return head[0], body, nil
}

func (l *link) send(typ byte, body []byte) error {
	_, err := l.Write(append(binary.BigEndian.AppendUint32([]byte{typ}, uint32(len(body)+4)), body...))
	return err
}

func (l *link) untilReady() error {
	for {
		if typ, _, err := l.message(); err != nil || typ == 'Z' {
			return err
		}
	}
}

// query runs a statement and leaves its result unread but for its end.
func (l *link) query(sql string) error {
	if err := l.send('Q', []byte(sql+"\x00")); err != nil {
		return err
	}
	return l.untilReady()
}

// quit ends the session as drivers do.
func (l *link) quit() {
	l.send('X', nil)
	l.Close()
}
