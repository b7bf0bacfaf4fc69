package proxy

import (
	"net"
	"sync"
	"time"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/proxy/sockets"
)

// Limits keep clients from using up what there is. Zero values are no limit, except where another default is named. Sessions from inside
// the process don't count.
type Limits struct {
	Connections int           // client connections that are logged in, or ask to be
	PerRole     int           // of one role
	PerDatabase int           // of one database
	Logins      int           // connections that are not logged in yet; more are refused unheard
	LoginTime   time.Duration // to log in, as Postgres' authentication_timeout; 0: a minute
	MaxMessage  int           // bytes of one message of a client's, after the log-in; 0: the protocol's limit, 1 GiB, which the server checks
	TCP         sockets.TCP   // of clients' connections
}

// loginTime is how long a client may take to log in, as Postgres' authentication_timeout is by default.
const loginTime = 60 * time.Second

// loginGrace is how much longer the connections live, so that a client can be told that its time is over.
const loginGrace = 5 * time.Second

func (l Limits) loginTime() time.Duration {
	if l.LoginTime > 0 {
		return l.LoginTime
	}
	return loginTime
}

// gate counts the connections against the limits.
type gate struct {
	mu        sync.Mutex
	all       int
	logins    int
	roles     map[string]int
	databases map[string]int
}

func newGate() *gate { return &gate{roles: map[string]int{}, databases: map[string]int{}} }

// ticket is one connection's part in the counts.
type ticket struct {
	gate           *gate
	role, database string
	admitted       bool
	loggingIn      bool
	left           bool
}

// The words and codes are Postgres' (InitProcess, CheckMyDatabase, InitializeSessionUserId).
var errTooMany = function.Errorf("53300", "sorry, too many clients already")

// knock counts a connection that has said nothing yet.
func (g *gate) knock(l Limits) (*ticket, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if l.Logins > 0 && g.logins >= l.Logins {
		return nil, errTooMany
	}
	g.logins++
	return &ticket{gate: g, loggingIn: true}, nil
}

// admit counts it for the role and the database that it asks for; an empty database is none, as of a replication connection.
func (t *ticket) admit(l Limits, role, database string) error {
	g := t.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case l.Connections > 0 && g.all >= l.Connections:
		return errTooMany
	case l.PerDatabase > 0 && database != "" && g.databases[database] >= l.PerDatabase:
		return function.Errorf("53300", "too many connections for database \"%s\"", database)
	case l.PerRole > 0 && g.roles[role] >= l.PerRole:
		return function.Errorf("53300", "too many connections for role \"%s\"", role)
	}
	t.admitted, t.role, t.database = true, role, database
	g.all++
	g.roles[role]++
	g.databases[database]++
	return nil
}

// authenticated tells that the log-in is over.
func (t *ticket) authenticated() {
	t.gate.mu.Lock()
	defer t.gate.mu.Unlock()
	if t.loggingIn {
		t.loggingIn = false
		t.gate.logins--
	}
}

// leave takes the connection out of the counts. It may be called twice.
func (t *ticket) leave() {
	g := t.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if t.left {
		return
	}
	t.left = true
	if t.loggingIn {
		g.logins--
	}
	if t.admitted {
		g.all--
		less(g.roles, t.role)
		less(g.databases, t.database)
	}
}

// less counts down, and forgets what nobody uses: clients choose the names.
func less(m map[string]int, name string) {
	if m[name]--; m[name] == 0 {
		delete(m, name)
	}
}

// clientAddress is how a client's address is logged; as Postgres has it for unix sockets.
func clientAddress(conn net.Conn) string {
	if conn.RemoteAddr().Network() == "unix" {
		return "[local]"
	}
	return conn.RemoteAddr().String()
}
