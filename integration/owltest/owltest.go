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
	return StartWith(t, proxy.Options{Upstream: upstream}, o)
}

// StartWith is Start with a proxy of other options; what it listens on, its engine and its log are Start's.
func StartWith(t testing.TB, front proxy.Options, o exec.Options) (through string, stop func()) {
	t.Helper()
	engine, err := exec.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.Start(t.Context()); err != nil {
		engine.Stop()
		t.Fatal(err)
	}
	front.Engine, front.Address, front.Log = engine, "127.0.0.1:0", zap.NewNop()
	p, err := proxy.New(front)
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
	u, err := url.Parse(front.Upstream)
	if err != nil {
		t.Fatal(err)
	}
	u.Host, u.RawQuery = p.Addr().String(), "sslmode=disable"
	return u.String(), stop
}
