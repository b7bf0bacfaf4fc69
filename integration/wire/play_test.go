package wire

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// player plays one script against one target.
type player struct {
	world   *world
	to      target
	how     manner
	seed    uint64
	clients map[int]*client
}

// run plays a script and gives what came back on each connection; [0] tells what went wrong with the playing itself.
func (w *world) run(t *testing.T, to target, how manner, script []command, seed uint64) map[int][]string {
	t.Helper()
	log, _ := w.play(to, how, script, seed)
	return log
}

// play is run, with the number of bytes that came.
func (w *world) play(to target, how manner, script []command, seed uint64) (log map[int][]string, got int) {
	p := &player{world: w, to: to, how: how, seed: seed, clients: map[int]*client{}}
	if how.once {
		script = coalesce(script)
	}
	var failed []string
	for _, cmd := range script {
		if err := p.step(cmd); err != nil {
			failed = []string{fmt.Sprintf("line %d (%s): %v", cmd.line, cmd.verb, err)}
			break
		}
	}
	log = map[int][]string{}
	for n, c := range p.clients {
		c.close()
		log[n] = c.log
		got += c.got
	}
	if failed != nil {
		log[0] = failed
	}
	return log, got
}

func (p *player) dial(n int) (*client, error) {
	c, err := dial(p.to.address, p.how, p.seed+uint64(n))
	if err == nil {
		p.clients[n] = c
	}
	return c, err
}

// connect opens a connection and logs in.
func (p *player) connect(n int, settings ...string) error {
	c, err := p.dial(n)
	if err != nil {
		return err
	}
	all := append([]string{"user", "postgres", "database", p.to.database}, p.to.settings...)
	c.out = start(version30, append(all, settings...)...)
	c.send()
	err = c.read("Z")
	if len(p.to.settings) > 0 {
		c.log = nil // its parameters are not the others'
	}
	return err
}

// step carries out a command.
func (p *player) step(cmd command) error {
	c := p.clients[cmd.conn]
	switch cmd.verb {
	case "await":
		return p.world.await(cmd.rest)
	case "connect":
		return p.connect(cmd.conn, p.settings(cmd.rest)...)
	case "dial":
		_, err := p.dial(cmd.conn)
		return err
	case "cancel":
		number, which, _ := strings.Cut(cmd.rest, " ")
		n, _ := strconv.Atoi(number)
		key := bytes.Clone(p.clients[n].key)
		if which == "wrong" {
			key[len(key)-1] ^= 1
		}
		return cancelRequest(p.to.address, key)
	}
	if c == nil {
		if err := p.connect(cmd.conn); err != nil {
			return err
		}
		c = p.clients[cmd.conn]
	}
	switch cmd.verb {
	case "read", "wait":
		c.send()
		for _, until := range strings.Fields(cmd.rest) {
			if err := c.read(until); err != nil {
				return err
			}
		}
	case "halfclose":
		c.send()
		c.writing.Wait()
		c.conn.(*net.TCPConn).CloseWrite() // fails where the other side has closed already, which reading tells
	case "start":
		version, rest, _ := strings.Cut(cmd.rest, " ")
		major, minor, _ := strings.Cut(version, ".")
		a, _ := strconv.Atoi(major)
		b, _ := strconv.Atoi(minor)
		c.out = append(c.out, start(uint32(a<<16|b), p.settings(rest)...)...)
	case "request":
		code := map[string]uint32{"ssl": 80877103, "gss": 80877104}[cmd.rest]
		c.out = binary.BigEndian.AppendUint32(append(c.out, 0, 0, 0, 8), code)
	case "byte":
		c.send()
		c.conn.SetReadDeadline(time.Now().Add(patience))
		b := make([]byte, 1)
		if _, err := io.ReadFull(c.in, b); err != nil {
			return err
		}
		c.log = append(c.log, fmt.Sprintf("byte %q", b))
	default:
		b, err := cmd.message()
		c.out = append(c.out, b...)
		return err
	}
	return nil
}

// settings reads k=v words.
func (p *player) settings(text string) (all []string) {
	for _, word := range split(text) {
		if w, err := strconv.Unquote(word); err == nil {
			word = w
		}
		k, v, _ := strings.Cut(strings.ReplaceAll(word, "$db", p.to.database), "=")
		all = append(all, k, v)
	}
	return all
}

// cancelRequest sends a cancel request and waits until it has been taken.
func cancelRequest(address string, key []byte) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	b := binary.BigEndian.AppendUint32(nil, uint32(8+len(key)))
	b = binary.BigEndian.AppendUint32(b, 80877102)
	if _, err := conn.Write(append(b, key...)); err != nil {
		return err
	}
	io.ReadAll(conn)
	return nil
}

// await asks a query until it gives true.
func (w *world) await(sql string) error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, w.url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for range 1000 {
		var ok bool
		if err := conn.QueryRow(ctx, sql).Scan(&ok); err != nil {
			return err
		}
		if ok {
			return nil
		}
		if _, err := conn.Exec(ctx, "SELECT pg_sleep(0.01)"); err != nil {
			return err
		}
	}
	return fmt.Errorf("never true: %s", sql)
}
