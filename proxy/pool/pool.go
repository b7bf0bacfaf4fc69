package pool

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/pgowl/pgowl/proxy/auth"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// Mode is for how long a client has a server connection for itself.
type Mode string

// The modes. The zero value is None.
const (
	None        Mode = "none"        // each client has its own, as without a pool
	Session     Mode = "session"     // until the client goes
	Transaction Mode = "transaction" // until its transaction ends
)

// Options are what a Pool needs. Mode and Dial are required.
type Options struct {
	Mode Mode
	Size int           // server connections for a role in a database; 0: 20
	Idle time.Duration // a server connection that nobody wants is closed after this; 0: 10 minutes
	Wait time.Duration // a client that gets none within this is refused; 0: 2 minutes
	Life time.Duration // a server connection is not lent again when it is older; 0: an hour

	Dial   func(ctx context.Context) (net.Conn, error)              // opens a connection to the server, inside TLS where it has to be
	Redial func(ctx context.Context, to net.Conn) (net.Conn, error) // opens one to the server that another leads to, for a cancel request; nil: Dial
	Token  func(user, database string) string                       // value of pgowl.session of a new server connection; "" or nil: none
	Prove  auth.ProveOptions                                        // for log-ins at the server

	Registry prometheus.Registerer // nil: no metrics
	Log      *zap.Logger           // nil: quiet
	Now      func() time.Time      // nil: time.Now
}

// Pool lends server connections. New makes one; Close ends it.
type Pool struct {
	options Options
	salt    []byte // of the digests of secrets that were proved
	ctx     context.Context
	cancel  context.CancelFunc
	wait    sync.WaitGroup
	metrics metrics

	mu     sync.Mutex
	groups map[place]*group
	closed bool
}

// place is whose server connections a group holds. Database is never empty: where a client names none, it is the user, as for Postgres.
type place struct{ user, database string }

// New checks the options and starts the pool.
func New(o Options) (*Pool, error) {
	if o.Mode != Session && o.Mode != Transaction {
		return nil, fmt.Errorf("pool mode %q is neither %s nor %s", o.Mode, Session, Transaction)
	}
	if o.Size < 0 || o.Idle < 0 || o.Wait < 0 || o.Life < 0 {
		return nil, fmt.Errorf("a pool's size and times cannot be negative")
	}
	setDefault(&o.Size, 20)
	setDefault(&o.Idle, 10*time.Minute)
	setDefault(&o.Wait, 2*time.Minute)
	setDefault(&o.Life, time.Hour)
	if o.Redial == nil {
		o.Redial = func(ctx context.Context, _ net.Conn) (net.Conn, error) { return o.Dial(ctx) }
	}
	if o.Token == nil {
		o.Token = func(string, string) string { return "" }
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := &Pool{options: o, salt: make([]byte, 32), ctx: ctx, cancel: cancel, groups: map[place]*group{}}
	rand.Read(p.salt)
	p.metrics.init(o.Registry, p)
	p.wait.Add(1)
	go p.janitor()
	return p, nil
}

func setDefault[T int | time.Duration](v *T, to T) {
	if *v == 0 {
		*v = to
	}
}

// Mode is the mode that New was given.
func (p *Pool) Mode() Mode { return p.options.Mode }

// group gives the group of a place.
func (p *Pool) group(at place) *group {
	p.mu.Lock()
	defer p.mu.Unlock()
	g := p.groups[at]
	if g == nil {
		g = &group{pool: p, place: at, proofs: map[string]time.Time{}, greetings: map[string]greeting{}}
		p.groups[at] = g
	}
	g.users++
	return g
}

// stay counts once more who needs a group that somebody needs.
func (p *Pool) stay(g *group) {
	p.mu.Lock()
	defer p.mu.Unlock()
	g.users++
}

// leave takes back what group or stay counted; nobody else needs an empty group.
func (p *Pool) leave(g *group) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if g.users--; g.users == 0 && g.empty() {
		delete(p.groups, g.place)
	}
}

// sweepEvery is how often idle server connections are looked after.
const sweepEvery = 5 * time.Second

func (p *Pool) janitor() {
	defer p.wait.Done()
	tick := time.NewTicker(min(sweepEvery, max(p.options.Idle/4, 10*time.Millisecond)))
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.sweep()
		case <-p.ctx.Done():
			return
		}
	}
}

// sweep closes server connections that have been idle too long or have died, and forgets groups that nobody needs.
func (p *Pool) sweep() {
	p.mu.Lock()
	groups := make([]*group, 0, len(p.groups))
	for _, g := range p.groups {
		g.users++
		groups = append(groups, g)
	}
	p.mu.Unlock()
	for _, g := range groups {
		g.sweep(p.options.Now())
		p.leave(g)
	}
}

// background runs something that outlives the session that it is for, and that Close waits for.
func (p *Pool) background(f func()) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		f() // everything is being closed; f sees that, and is quick
		return
	}
	p.wait.Add(1)
	p.mu.Unlock()
	go func() {
		defer p.wait.Done()
		f()
	}()
}

// Close closes all idle server connections, refuses who waits, and waits for what runs in the background. Connections that are lent are
// closed when they come back. It may be called more than once.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	groups := make([]*group, 0, len(p.groups))
	for _, g := range p.groups {
		groups = append(groups, g)
	}
	p.mu.Unlock()
	p.cancel()
	p.wait.Wait()
	for _, g := range groups {
		g.close()
	}
}
