package httpd

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func start(t *testing.T, opts Options) *Server {
	t.Helper()
	opts.Addr = "127.0.0.1:0"
	s := New(opts)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Stop(context.Background())
		http.DefaultClient.CloseIdleConnections()
	})
	return s
}

func get(t *testing.T, s *Server, path string) (int, string) {
	t.Helper()
	res, err := http.Get("http://" + s.Addr() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func TestOwnPaths(t *testing.T) {
	var notReady error
	reg := prometheus.NewRegistry()
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: "pgowl_test_total", Help: "x"})
	reg.MustRegister(c)
	c.Inc()
	s := start(t, Options{Ready: func(context.Context) error { return notReady }, Registry: reg})

	if status, body := get(t, s, "/live"); status != 200 || body != "live\n" {
		t.Errorf("live: got %d %q", status, body)
	}
	if status, body := get(t, s, "/ready"); status != 200 || body != "ready\n" {
		t.Errorf("ready: got %d %q", status, body)
	}
	notReady = errors.New("upstream: connection refused")
	if status, body := get(t, s, "/ready"); status != 503 || body != "upstream: connection refused\n" {
		t.Errorf("not ready: got %d %q", status, body)
	}
	if status, body := get(t, s, "/metrics"); status != 200 || !strings.Contains(body, "pgowl_test_total 1") {
		t.Errorf("metrics: got %d %q", status, body)
	}
	if status, _ := get(t, s, "/other"); status != 404 {
		t.Errorf("other: got %d", status)
	}
}

func TestMounts(t *testing.T) {
	echo := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, name+" "+r.URL.EscapedPath()) })
	}
	s := start(t, Options{Mounts: map[string]http.Handler{"/rest/v1": echo("rest"), "/rest/v1/deep": echo("deep"), "/": echo("root")}})
	for _, c := range []struct{ path, want string }{
		{"/rest/v1", "rest "},
		{"/rest/v1/", "rest /"},
		{"/rest/v1/rpc/f%2Fg", "rest /rpc/f%2Fg"},
		{"/rest/v1//x/../y", "rest //x/../y"},
		{"/rest/v12", "root /rest/v12"},
		{"/rest/v1/deep/x", "deep /x"},
		{"/live", "live\n"},
	} {
		if _, body := get(t, s, c.path); body != c.want {
			t.Errorf("%s: got %q, want %q", c.path, body, c.want)
		}
	}
}

func TestStopLetsRequestsFinish(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	s := start(t, Options{Mounts: map[string]http.Handler{"/slow": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-release
		io.WriteString(w, "done")
	})}})
	got := make(chan string, 1)
	go func() {
		res, err := http.Get("http://" + s.Addr() + "/slow")
		if err != nil {
			got <- err.Error()
			return
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		got <- string(b)
	}()
	<-entered
	stopped := make(chan struct{})
	go func() { s.Stop(context.Background()); close(stopped) }()
	close(release)
	if body := <-got; body != "done" {
		t.Errorf("got %q", body)
	}
	<-stopped
	if _, err := net.Dial("tcp", s.Addr()); err == nil {
		t.Error("it still listens after Stop")
	}
	s.Stop(context.Background())
}

func TestStopCutsWhatDoesNotEnd(t *testing.T) {
	entered := make(chan struct{})
	s := start(t, Options{Grace: time.Millisecond, Mounts: map[string]http.Handler{"/hang": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
	})}})
	failed := make(chan error, 1)
	go func() {
		res, err := http.Get("http://" + s.Addr() + "/hang")
		if err == nil {
			res.Body.Close()
		}
		failed <- err
	}()
	<-entered
	s.Stop(context.Background())
	if err := <-failed; err == nil {
		t.Error("the request should have been cut")
	}
}

func TestStartStop(t *testing.T) {
	s := New(Options{Addr: "127.0.0.1:0"})
	if s.Addr() != "" {
		t.Errorf("address before Start: %q", s.Addr())
	}
	s.Stop(context.Background())
	if err := s.Start(context.Background()); err == nil {
		t.Error("Start after Stop should fail")
	}
	first := start(t, Options{})
	second := New(Options{Addr: first.Addr()})
	if err := second.Start(context.Background()); err == nil {
		t.Error("Start on a taken address should fail")
	}
}
