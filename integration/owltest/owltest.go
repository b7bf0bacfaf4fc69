// Package owltest starts PgOwl inside a test.
package owltest

import (
	"net/url"
	"sync"
	"testing"

	"github.com/pgowl/pgowl/exec"
	"github.com/pgowl/pgowl/proxy"
	"go.uber.org/zap"
)

// Start starts an engine, and a proxy in front of the database of a URL. It gives the URL that leads through the proxy, for the same role, and what stops both,
// which the end of the test does at the latest.
func Start(t testing.TB, upstream string, o exec.Options) (through string, stop func()) {
	t.Helper()
	engine, err := exec.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.Start(t.Context()); err != nil {
		engine.Stop()
		t.Fatal(err)
	}
	p, err := proxy.New(proxy.Options{Upstream: upstream, Engine: engine, Address: "127.0.0.1:0", Log: zap.NewNop()})
	if err == nil {
		err = p.Start()
	}
	if err != nil {
		engine.Stop()
		t.Fatal(err)
	}
	var once sync.Once
	stop = func() { once.Do(func() { p.Stop(); engine.Stop() }) }
	t.Cleanup(stop)
	u, err := url.Parse(upstream)
	if err != nil {
		t.Fatal(err)
	}
	u.Host, u.RawQuery = p.Addr().String(), "sslmode=disable"
	return u.String(), stop
}
