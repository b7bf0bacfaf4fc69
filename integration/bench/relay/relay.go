// Package relay is a bare byte relay over TCP: what any proxy costs at least, and so what PgOwl's pass lane is measured against.
package relay

import (
	"io"
	"net"
	"sync"
)

// Relay connects each client with a connection of its own to the target, and copies bytes both ways without looking at them.
type Relay struct {
	listener net.Listener
	target   string

	mu    sync.Mutex
	conns map[net.Conn]struct{}
	wait  sync.WaitGroup
	done  bool
}

// Start listens on a free port of 127.0.0.1 and relays to target, a TCP address.
func Start(target string) (*Relay, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &Relay{listener: l, target: target, conns: map[net.Conn]struct{}{}}
	r.wait.Add(1)
	go func() {
		defer r.wait.Done()
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			r.wait.Add(1)
			go func() {
				defer r.wait.Done()
				r.serve(client)
			}()
		}
	}()
	return r, nil
}

// Addr is where it listens.
func (r *Relay) Addr() *net.TCPAddr { return r.listener.Addr().(*net.TCPAddr) }

// serve copies through a buffer: only Read and Write are shown to io.Copy, which else would splice inside the kernel, and a proxy
// that has to see the messages' bounds can't.
func (r *Relay) serve(client net.Conn) {
	defer r.drop(client)
	if !r.keep(client) {
		return
	}
	server, err := net.Dial("tcp", r.target)
	if err != nil {
		return
	}
	defer r.drop(server)
	if !r.keep(server) {
		return
	}
	back := make(chan struct{})
	go func() {
		defer close(back)
		io.CopyBuffer(struct{ io.Writer }{client}, struct{ io.Reader }{server}, make([]byte, 64<<10))
		client.Close()
	}()
	io.CopyBuffer(struct{ io.Writer }{server}, struct{ io.Reader }{client}, make([]byte, 64<<10))
	server.Close()
	<-back
}

// keep notes a connection for Stop; false where the relay has ended.
func (r *Relay) keep(c net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.done {
		r.conns[c] = struct{}{}
	}
	return !r.done
}

func (r *Relay) drop(c net.Conn) {
	c.Close()
	r.mu.Lock()
	delete(r.conns, c)
	r.mu.Unlock()
}

// Stop ends the listener and all connections, and waits for them. It may be called twice.
func (r *Relay) Stop() {
	r.mu.Lock()
	r.done = true
	r.listener.Close()
	for c := range r.conns {
		c.Close()
	}
	r.mu.Unlock()
	r.wait.Wait()
}
