package proxy

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pgowl/pgowl/proxy/sockets"
)

// upstream is what a Postgres URL names: one server, or several of which each session gets the first one that answers and
// suits (manual, libpq's "Specifying Multiple Hosts").
type upstream struct {
	hosts     []*host // in the URL's order; one host a name and port
	attrs     attrs
	random    bool   // load_balance_hosts
	binding   string // channel_binding: require, prefer or disable
	cleartext bool   // require_auth names password: PgOwl may send one in clear, even outside TLS
	origins   *origins
}

// newUpstream reads a Postgres URL with libpq's meaning: hosts, ports, ssl*, connect_timeout, keepalives*, tcp_user_timeout,
// target_session_attrs, load_balance_hosts. service, a URL whose credentials find out which host is the primary, may be empty. background
// is what hosts do that with, see host.
func newUpstream(text, service string, background func(f func(ctx context.Context)) bool) (*upstream, error) {
	c, err := pgconn.ParseConfig(text)
	if err != nil {
		return nil, fmt.Errorf("upstream: %w", err)
	}
	u := &upstream{binding: c.ChannelBinding, cleartext: slices.Contains(strings.Split(c.RequireAuth, ","), "password"), origins: newOrigins()}
	// What pgconn doesn't know of libpq's settings is left among those that it would send to the server.
	tcp, err := tcpSettings(c.RuntimeParams)
	if err != nil {
		return nil, fmt.Errorf("upstream: %w", err)
	}
	switch balance := c.RuntimeParams["load_balance_hosts"]; balance {
	case "", "disable":
	case "random":
		u.random = true
	default:
		return nil, fmt.Errorf("upstream: load_balance_hosts %q is neither disable nor random", balance)
	}
	u.attrs = attrsOf(text)
	probe, err := newProbe(service)
	if err != nil {
		return nil, fmt.Errorf("service: %w", err)
	}
	for _, f := range append([]*pgconn.FallbackConfig{{Host: c.Host, Port: c.Port, TLSConfig: c.TLSConfig}}, c.Fallbacks...) {
		network, address := pgconn.NetworkAddress(f.Host, f.Port)
		last := len(u.hosts) - 1
		if last < 0 || u.hosts[last].address != address {
			u.hosts = append(u.hosts, &host{name: f.Host, port: f.Port, network: network, address: address, tcp: tcp,
				timeout: c.ConnectTimeout, direct: c.SSLNegotiation == "direct", probe: probe, background: background})
			last++
		}
		u.hosts[last].tls = append(u.hosts[last].tls, f.TLSConfig)
	}
	return u, nil
}

// attrsOf gives a URL's target_session_attrs, which pgconn has checked.
func attrsOf(text string) attrs {
	if _, query, ok := strings.Cut(text, "?"); ok {
		if values, err := url.ParseQuery(query); err == nil && values.Get("target_session_attrs") != "" {
			return attrs(values.Get("target_session_attrs"))
		}
	}
	return anySession
}

// tcpSettings reads libpq's keepalives, keepalives_idle, keepalives_interval, keepalives_count and tcp_user_timeout.
func tcpSettings(params map[string]string) (t sockets.TCP, err error) {
	number := func(name string) int {
		text, set := params[name]
		if !set {
			return 0
		}
		n, e := strconv.Atoi(text)
		if e != nil && err == nil {
			err = fmt.Errorf("%s %q is no number", name, text)
		}
		return n
	}
	_, set := params["keepalives"]
	t.Off = set && number("keepalives") == 0
	t.Idle = time.Duration(number("keepalives_idle")) * time.Second
	t.Interval = time.Duration(number("keepalives_interval")) * time.Second
	t.Count = number("keepalives_count")
	t.UserTimeout = time.Duration(number("tcp_user_timeout")) * time.Millisecond
	return t, err
}

// dial connects to the first host that answers and is what the sessions want.
func (u *upstream) dial(ctx context.Context) (net.Conn, error) {
	hosts := u.hosts
	if u.random && len(hosts) > 1 {
		hosts = slices.Clone(hosts)
		rand.Shuffle(len(hosts), func(i, j int) { hosts[i], hosts[j] = hosts[j], hosts[i] })
	}
	wanted := []attrs{u.attrs}
	if u.attrs == preferStandby {
		wanted = []attrs{standby, anySession}
	}
	var failed []error
	for _, want := range wanted {
		for _, h := range hosts {
			if err := h.suits(ctx, want); err != nil {
				failed = append(failed, err)
				continue
			}
			conn, err := h.dial(ctx)
			if err == nil {
				u.origins.note(conn, h)
				return conn, nil
			}
			h.forget()
			failed = append(failed, err)
		}
	}
	return nil, errors.Join(failed...)
}

// redial connects to the very server that another connection leads to.
func (u *upstream) redial(ctx context.Context, to net.Conn) (net.Conn, error) {
	h := u.origins.of(to)
	if h == nil {
		return u.dial(ctx)
	}
	if h.network == "unix" {
		return h.dial(ctx)
	}
	return h.dialAt(ctx, to.RemoteAddr().String())
}
