package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/pgowl/pgowl/exec/embedded"
)

// stage is what is measured: a Postgres, and the ways that lead to it.
type stage struct {
	options  options
	folder   string
	postgres *embedded.Cluster
	relay    *relayChild
	bouncer  *bouncer
	owls     []*owl
	routes   []route

	certFile, keyFile string // of a certificate for 127.0.0.1
	usersFile         string // PgBouncer's userlist.txt and PgOwl's PGOWL_USERS
}

// route is one way to the same server.
type route struct {
	name, url string
	pid       int // of the proxy; 0: there is none
}

func (s *stage) url(name string) string {
	for _, r := range s.routes {
		if r.name == name {
			return r.url
		}
	}
	return ""
}

// owlURL is the way through the first PgOwl.
func (s *stage) owlURL() string { return s.owls[0].url }

// setUp starts Postgres, and before it the relay, PgBouncer where it is installed, and PgOwl, as often as it is asked for.
func setUp(ctx context.Context, o options) (s *stage, err error) {
	s = &stage{options: o}
	defer func() {
		if err != nil {
			s.tearDown()
		}
	}()
	if s.folder, err = os.MkdirTemp("", "owlbench"); err != nil {
		return s, err
	}
	os.Chmod(s.folder, 0o755)
	if s.certFile, s.keyFile, err = makeCertificate(s.folder); err != nil {
		return s, err
	}
	if s.postgres, err = startPostgres(ctx, s.folder); err != nil {
		return s, err
	}
	direct := postgresURL(s.postgres)
	s.routes = []route{{"direct", direct, 0}}
	if err = s.writeUsers(ctx); err != nil {
		return s, err
	}
	if s.relay, err = startRelay(fmt.Sprintf("127.0.0.1:%d", s.postgres.Port)); err != nil {
		return s, err
	}
	s.routes = append(s.routes, route{"relay", withAddress(direct, s.relay.address), s.relay.pid()})
	if o.bouncer != "" {
		if s.bouncer, err = startBouncer(ctx, s, "bouncer"); err != nil {
			return s, err
		}
		s.routes = append(s.routes, route{"pgbouncer", s.bouncer.url, s.bouncer.pid()})
	}
	if o.wantsOwls() {
		err = s.startOwls(ctx)
	}
	return s, err
}

// wantsOwls tells whether a part is measured that does not start a fresh PgOwl by itself.
func (o options) wantsOwls() bool {
	return slices.ContainsFunc(strings.Split(o.parts, ","), func(name string) bool { return name != "idle" && name != "connections" })
}

func (s *stage) startOwls(ctx context.Context) error {
	for _, b := range breeds(s.options) {
		w, err := b.start(ctx, s)
		if err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
		s.owls = append(s.owls, w)
		s.routes = append(s.routes, route{b.name, w.url, w.pid()})
	}
	return nil
}

func (s *stage) tearDown() {
	for _, w := range s.owls {
		w.stop()
	}
	if s.bouncer != nil {
		s.bouncer.stop()
	}
	if s.relay != nil {
		s.relay.stop()
	}
	if s.postgres != nil {
		s.postgres.Stop()
	}
	if s.folder != "" {
		os.RemoveAll(s.folder)
	}
}

func withAddress(raw, address string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	u.Host = address
	return u.String()
}
