package proxy

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/pgowl/pgowl/proxy/protocol"
)

// attrs is libpq's target_session_attrs.
type attrs string

const (
	anySession    attrs = "any"
	readWrite     attrs = "read-write"
	readOnly      attrs = "read-only"
	primary       attrs = "primary"
	standby       attrs = "standby"
	preferStandby attrs = "prefer-standby"
)

// role is what a server says of itself (manual, "Asynchronous Operations": in_hot_standby, default_transaction_read_only).
type role struct {
	standby  bool // in recovery
	readOnly bool // sessions start read-only, on a primary too
}

// refuses says why a server with this role is not what sessions want; nil where it is. The words are libpq's.
func (a attrs) refuses(r role) error {
	switch {
	case a == readWrite && (r.standby || r.readOnly):
		return errors.New("session is read-only")
	case a == readOnly && !r.standby && !r.readOnly:
		return errors.New("session is not read-only")
	case a == primary && r.standby:
		return errors.New("server is in hot standby mode")
	case a == standby && !r.standby:
		return errors.New("server is not in hot standby mode")
	}
	return nil
}

// probe asks a host for its role.
type probe func(ctx context.Context, h *host) (role, error)

// newProbe asks with the credentials of a URL, in its database; nil where there is none.
func newProbe(service string) (probe, error) {
	if service == "" {
		return nil, nil
	}
	config, err := pgconn.ParseConfig(service)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, h *host) (role, error) {
		ctx, cancel := context.WithTimeout(ctx, probeTime)
		defer cancel()
		c := config.Copy()
		c.Host, c.Port, c.TLSConfig, c.Fallbacks, c.ValidateConnect = h.name, h.port, h.tls[0], nil, nil
		for _, t := range h.tls[1:] {
			c.Fallbacks = append(c.Fallbacks, &pgconn.FallbackConfig{Host: h.name, Port: h.port, TLSConfig: t})
		}
		c.SSLNegotiation = ""
		if h.direct {
			c.SSLNegotiation = "direct"
		}
		if h.timeout > 0 {
			c.ConnectTimeout = h.timeout
		}
		c.RuntimeParams = map[string]string{"application_name": "pgowl"}
		conn, err := pgconn.ConnectConfig(ctx, c)
		if err != nil {
			return role{}, err
		}
		defer conn.Close(ctx)
		// Postgres 14 and later say it by themselves.
		if inRecovery := conn.ParameterStatus("in_hot_standby"); inRecovery != "" {
			return role{inRecovery == "on", conn.ParameterStatus("default_transaction_read_only") == "on"}, nil
		}
		results, err := conn.Exec(ctx, "SELECT pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('default_transaction_read_only')").ReadAll()
		if err != nil {
			return role{}, err
		}
		row := results[0].Rows[0]
		return role{string(row[0]) == "t", string(row[1]) == "on"}, nil
	}, nil
}

const (
	probeTime = 10 * time.Second // a host that takes longer to say what it is counts as failed
	roleFresh = 5 * time.Second  // a role that is older is asked for again, beside the session that found it so
)

// roleCache is what is known of a host's role. A role that has been found out once is used at once; it is looked at again in the
// background while sessions come, and before the next session where a connection failed or a session found it wrong.
type roleCache struct {
	mu      sync.Mutex // held while the role is asked for
	quick   sync.Mutex // held for moments; guards what follows
	role    role
	known   bool
	at      time.Time
	looking bool
}

// suits says why a host is not what sessions want; nil where it is, or where nobody can tell: then the session finds out (misplaced).
func (h *host) suits(ctx context.Context, want attrs) error {
	if want == anySession {
		return nil
	}
	r, known, err := h.currentRole(ctx)
	switch {
	case err != nil:
		return err
	case !known:
		return nil
	}
	if err := want.refuses(r); err != nil {
		return &unsuitable{h.address, err}
	}
	return nil
}

// unsuitable is the error for a host that has the wrong role. A client learns why, and not where.
type unsuitable struct {
	host string
	why  error
}

func (u *unsuitable) Error() string { return u.host + ": " + u.why.Error() }

func (u *unsuitable) Unwrap() error { return u.why }

// misplaced says why a session that has just logged in is on the wrong host, by what the server reports of itself (in_hot_standby, Postgres
// 14 and later); nil where it isn't. The session has to end then: its messages have been relayed, so it can't be moved. The next one
// goes to another host.
func (u *upstream) misplaced(conn net.Conn, inHotStandby string) error {
	h := u.origins.of(conn)
	if h == nil || u.attrs == anySession {
		return nil
	}
	h.role.quick.Lock()
	r := role{standby: inHotStandby == "on", readOnly: h.role.role.readOnly}
	h.role.quick.Unlock()
	h.learn(r)
	if u.attrs == preferStandby {
		return nil
	}
	if err := u.attrs.refuses(r); err != nil {
		return &unsuitable{h.address, err}
	}
	return nil
}

func (h *host) currentRole(ctx context.Context) (r role, known bool, err error) {
	c := &h.role
	c.quick.Lock()
	r, known = c.role, c.known
	again := known && h.probe != nil && !c.looking && time.Since(c.at) > roleFresh
	c.looking = c.looking || again
	c.quick.Unlock()
	if again && !h.background(func(ctx context.Context) { h.look(ctx) }) {
		h.forget() // shutting down
	}
	if known || h.probe == nil {
		return r, known, nil
	}
	c.mu.Lock() // one asks, the others wait for what comes out
	defer c.mu.Unlock()
	c.quick.Lock()
	r, known = c.role, c.known
	c.quick.Unlock()
	if known {
		return r, true, nil
	}
	if err := h.look(ctx); err != nil {
		return role{}, false, err
	}
	c.quick.Lock()
	defer c.quick.Unlock()
	return c.role, c.known, nil
}

// look asks the host for its role.
func (h *host) look(ctx context.Context) error {
	r, err := h.probe(ctx, h)
	if err != nil {
		h.state.Store(hostDown)
		h.forget()
		return err
	}
	h.state.Store(hostUp)
	h.learn(r)
	return nil
}

// placed ends a session that logs in on the wrong host, when the server's report tells so.
func (s *session) placed(report []byte) error {
	if s.ready || s.dialed == nil {
		return nil
	}
	name, rest, _ := protocol.CutString(report)
	if name != "in_hot_standby" {
		return nil
	}
	u := s.proxy.front()
	if u.attrs == anySession || s.visit != nil && s.visit.inside {
		return nil
	}
	value, _, _ := protocol.CutString(rest)
	if err := u.misplaced(s.dialed, value); err != nil {
		s.toClient(encode(&pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: "08004", Message: dialReason(err)}))
		return err
	}
	return nil
}

// knownRole gives the role without asking for it.
func (h *host) knownRole() (role, bool) {
	h.role.quick.Lock()
	defer h.role.quick.Unlock()
	return h.role.role, h.role.known
}

// learn notes a role that is certain.
func (h *host) learn(r role) {
	c := &h.role
	c.quick.Lock()
	defer c.quick.Unlock()
	c.role, c.known, c.at, c.looking = r, true, time.Now(), false
}

// forget drops what is known: the next session asks.
func (h *host) forget() {
	c := &h.role
	c.quick.Lock()
	defer c.quick.Unlock()
	c.known, c.looking = false, false
}
