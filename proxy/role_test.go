package proxy

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"
)

// fakeHost listens like a server of a role that it tells when it is asked.
type fakeHost struct {
	net.Listener
	role  role
	fails error
	asked int
}

// fakeUpstream is an upstream of such hosts.
func fakeUpstream(t *testing.T, query string, hosts ...*fakeHost) *upstream {
	t.Helper()
	var names []string
	for _, f := range hosts {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		f.Listener = l
		names = append(names, l.Addr().String())
	}
	background := func(f func(ctx context.Context)) bool { f(context.Background()); return true }
	u, err := newUpstream("postgres://u@"+strings.Join(names, ",")+"/d?sslmode=disable&"+query, "", background)
	if err != nil {
		t.Fatal(err)
	}
	for i, h := range u.hosts {
		h.probe = func(context.Context, *host) (role, error) {
			hosts[i].asked++
			return hosts[i].role, hosts[i].fails
		}
	}
	return u
}

// at tells which of the hosts a connection of the upstream's leads to; -1: none.
func at(t *testing.T, u *upstream, hosts ...*fakeHost) (int, error) {
	t.Helper()
	conn, err := u.dial(t.Context())
	if err != nil {
		return -1, err
	}
	defer conn.Close()
	for i, f := range hosts {
		if conn.RemoteAddr().String() == f.Addr().String() {
			return i, nil
		}
	}
	t.Fatalf("%s is none of the hosts", conn.RemoteAddr())
	return -1, nil
}

func TestTargetSessionAttrs(t *testing.T) {
	const gone = 9
	for _, c := range []struct {
		attrs string
		roles string // of the hosts: p primary, s standby, r read-only primary, x down
		want  int    // host; gone: an error
	}{
		{"any", "sp", 0}, {"any", "xp", 1},
		{"primary", "sp", 1}, {"primary", "ss", gone}, {"primary", "r", 0}, {"primary", "xsp", 2},
		{"read-write", "srp", 2}, {"read-write", "sr", gone},
		{"read-only", "ps", 1}, {"read-only", "pr", 1}, {"read-only", "p", gone},
		{"standby", "ps", 1}, {"standby", "p", gone},
		{"prefer-standby", "ps", 1}, {"prefer-standby", "pp", 0}, {"prefer-standby", "px", 0}, {"prefer-standby", "xx", gone},
	} {
		var hosts []*fakeHost
		for _, r := range c.roles {
			f := &fakeHost{role: role{standby: r == 's', readOnly: r == 'r'}}
			if r == 'x' {
				f.fails = errors.New("down")
			}
			hosts = append(hosts, f)
		}
		u := fakeUpstream(t, "target_session_attrs="+c.attrs, hosts...)
		for i, r := range c.roles {
			if r == 'x' {
				hosts[i].Close()
			}
		}
		got, err := at(t, u, hosts...)
		if c.want == gone && err == nil || c.want != gone && got != c.want {
			t.Errorf("%s of %s: got %d, %v, want %d", c.attrs, c.roles, got, err, c.want)
		}
	}
}

// After a fail-over a session that finds itself on the wrong host ends, and the next one goes to the right one.
func TestFailover(t *testing.T) {
	a, b := &fakeHost{}, &fakeHost{role: role{standby: true}}
	u := fakeUpstream(t, "target_session_attrs=primary", a, b)
	if got, err := at(t, u, a, b); got != 0 {
		t.Fatalf("got %d, %v", got, err)
	}
	a.role, b.role = b.role, a.role
	conn, err := u.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := u.misplaced(conn, "on"); err == nil || dialReason(err) != "server is in hot standby mode" {
		t.Errorf("got %v", err)
	}
	for _, h := range u.hosts {
		h.role.at = time.Time{} // what is known is old
	}
	at(t, u, a, b) // looks again, beside this one
	if got, err := at(t, u, a, b); got != 1 {
		t.Errorf("afterwards: got %d, %v", got, err)
	}
	// A host that can't be reached is asked for its role before it is used again.
	b.Close()
	if _, err := at(t, u, a, b); err == nil {
		t.Error("the standby was taken")
	}
	asked := b.asked
	at(t, u, a, b)
	if b.asked == asked {
		t.Error("the lost host's role was not asked for")
	}
}

func TestBalancedHosts(t *testing.T) {
	a, b := &fakeHost{}, &fakeHost{}
	u := fakeUpstream(t, "load_balance_hosts=random", a, b)
	var seen [2]int
	for range 64 {
		i, err := at(t, u, a, b)
		if err != nil {
			t.Fatal(err)
		}
		seen[i]++
	}
	if seen[0] == 0 || seen[1] == 0 {
		t.Errorf("got %v", seen)
	}
}

// A cancel request's connection goes where the session's goes, whatever the order of the hosts says.
func TestRedial(t *testing.T) {
	a, b := &fakeHost{role: role{standby: true}}, &fakeHost{}
	u := fakeUpstream(t, "target_session_attrs=primary", a, b)
	conn, err := u.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	u.hosts[0].role.role, u.hosts[1].role.role = b.role, a.role
	again, err := u.redial(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if again.RemoteAddr().String() != conn.RemoteAddr().String() {
		t.Errorf("got %s, want %s", again.RemoteAddr(), conn.RemoteAddr())
	}
}

func TestUpstreamSettings(t *testing.T) {
	u, err := newUpstream("postgres://u@a:1,b:2/d?sslmode=prefer&connect_timeout=3&keepalives_idle=4&keepalives_count=5&keepalives_interval=6&tcp_user_timeout=700", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(u.hosts) != 2 || u.hosts[1].address != "b:2" || len(u.hosts[0].tls) != 2 {
		t.Fatalf("got %+v", u.hosts)
	}
	h := u.hosts[0]
	if h.timeout != 3*time.Second || h.tcp.Idle != 4*time.Second || h.tcp.Count != 5 || h.tcp.Interval != 6*time.Second || h.tcp.UserTimeout != 700*time.Millisecond || h.tcp.Off {
		t.Errorf("got %+v", h)
	}
	for _, bad := range []string{"keepalives_idle=soon", "load_balance_hosts=fair", "target_session_attrs=best", "sslmode=sure"} {
		if _, err := newUpstream("postgres://u@a/d?"+bad, "", nil); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}
