package fault

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

// cable is a network that can be made bad: it relays connections to an address, and delays, slices, slows, freezes, cuts or loses them.
type cable struct {
	listener net.Listener
	target   string
	wait     sync.WaitGroup

	mu    sync.Mutex
	fault fault
	thaw  chan struct{} // closed when a frozen cable goes on
	tape  *[2][]byte    // what went to the server and to the client; nil: nobody wants to know
	plugs map[*plug]bool
	count int // of plugs, in all
	ended bool
}

// fault is what is wrong with a cable, in both directions. The zero value is nothing.
type fault struct {
	delay, jitter time.Duration // of each piece
	slice         int           // bytes in a piece, at most; 0: as they come
	rate          int           // bytes a second; 0: as fast as they come
	frozen        bool          // nothing goes through, and nobody is told
}

// plug is one relayed connection.
type plug struct{ near, far *net.TCPConn }

// lay makes a cable to an address.
func lay(t *testing.T, target string) *cable {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{listener: l, target: target, thaw: make(chan struct{}), plugs: map[*plug]bool{}}
	c.wait.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			c.wait.Go(func() { c.serve(near.(*net.TCPConn)) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		c.mu.Lock()
		c.ended = true
		c.mu.Unlock()
		c.set(fault{})
		c.reset()
		c.wait.Wait()
	})
	return c
}

func (c *cable) address() string { return c.listener.Addr().String() }

// set changes what is wrong.
func (c *cable) set(f fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fault = f
	if !f.frozen {
		close(c.thaw)
		c.thaw = make(chan struct{})
	}
}

// each does something to all connections.
func (c *cable) each(do func(p *plug)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for p := range c.plugs {
		do(p)
	}
}

// reset cuts all connections: both sides get a reset.
func (c *cable) reset() {
	c.each(func(p *plug) {
		for _, conn := range []*net.TCPConn{p.near, p.far} {
			conn.SetLinger(0)
			conn.Close()
		}
	})
}

// carries waits until so many connections have gone through the cable, in all: what is not there yet cannot be cut.
func (c *cable) carries(t *testing.T, n int) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; runtime.Gosched() {
		c.mu.Lock()
		count := c.count
		c.mu.Unlock()
		if count >= n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d connections of %d", count, n)
		}
	}
}

// lose makes the ends of all connections vanish, on one side or the other, as when a machine loses its power or a NAT its memory: nothing is
// sent, and only who asks again is told that nobody is there.
func (c *cable) lose(far bool) error {
	var failed error
	c.each(func(p *plug) {
		conn := p.near
		if far {
			conn = p.far
		}
		raw, err := conn.SyscallConn()
		if err == nil {
			err2 := raw.Control(func(fd uintptr) {
				const tcpRepair = 19 // a socket that is closed while it is under repair sends nothing (tcp(7), TCP_REPAIR)
				err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpRepair, 1)
			})
			err = errors.Join(err, err2)
		}
		failed = errors.Join(failed, err)
		if err == nil {
			conn.Close()
		}
	})
	return failed
}

func (c *cable) serve(near *net.TCPConn) {
	defer near.Close()
	conn, err := net.Dial("tcp", c.target)
	if err != nil {
		return
	}
	defer conn.Close()
	p := &plug{near, conn.(*net.TCPConn)}
	c.mu.Lock()
	if c.ended {
		c.mu.Unlock()
		return
	}
	c.plugs[p] = true
	c.count++
	c.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { c.relay(0, p.far, p.near) })
	both.Go(func() { c.relay(1, p.near, p.far) })
	both.Wait()
	c.mu.Lock()
	delete(c.plugs, p)
	c.mu.Unlock()
}

// relay moves bytes one way. A reset on one side becomes one on the other.
func (c *cable) relay(way int, to, from *net.TCPConn) {
	b := make([]byte, 32<<10)
	for {
		c.mu.Lock()
		f := c.fault
		c.mu.Unlock()
		most := len(b)
		if f.slice > 0 {
			most = f.slice
		}
		n, err := from.Read(b[:most])
		c.mu.Lock()
		f = c.fault
		thaw := c.thaw
		if c.tape != nil {
			c.tape[way] = append(c.tape[way], b[:n]...)
		}
		c.mu.Unlock()
		if f.frozen {
			<-thaw
		}
		if pause := f.pause(n); pause > 0 && n > 0 {
			<-time.After(pause)
		}
		if n > 0 {
			if _, err := to.Write(b[:n]); err != nil {
				from.SetLinger(0)
				from.Close()
				return
			}
		}
		if err == io.EOF {
			to.CloseWrite()
			return
		}
		if errors.Is(err, syscall.ECONNRESET) {
			to.SetLinger(0)
			to.Close()
		}
		if err != nil {
			return
		}
	}
}

func (f fault) pause(n int) time.Duration {
	d := f.delay
	if f.jitter > 0 {
		d += rand.N(f.jitter)
	}
	if f.rate > 0 {
		d += time.Duration(n) * time.Second / time.Duration(f.rate)
	}
	return d
}
