package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/conf"
	"github.com/pgowl/pgowl/exec/embedded"
)

// stage is what is measured: a Postgres, and the ways that lead to it.
type stage struct {
	folder   string
	postgres *embedded.Server
	relay    *relayChild
	owl      *owl
	routes   []route
}

// route is one way to the same server.
type route struct{ name, url string }

func (s *stage) url(name string) string {
	for _, r := range s.routes {
		if r.name == name {
			return r.url
		}
	}
	return ""
}

// setUp starts Postgres, PgOwl before it, the relay, and PgBouncer where it is installed, each with a connection of its own.
func setUp(ctx context.Context, owlBinary string) (s *stage, err error) {
	s = &stage{}
	defer func() {
		if err != nil {
			s.tearDown()
		}
	}()
	if s.folder, err = os.MkdirTemp("", "owlbench"); err != nil {
		return s, err
	}
	os.Chmod(s.folder, 0o755)
	if s.postgres, err = embedded.Start(ctx, embedded.Options{Data: filepath.Join(s.folder, "pg")}); err != nil {
		return s, err
	}
	direct := s.postgres.URL()
	if s.relay, err = startRelay(fmt.Sprintf("127.0.0.1:%d", s.postgres.Port())); err != nil {
		return s, err
	}
	if s.owl, err = startOwl(ctx, owlBinary, s.folder, direct); err != nil {
		return s, err
	}
	s.routes = []route{
		{"direct", direct},
		{"relay", withAddress(direct, s.relay.address)},
		{"pgowl", withAddress(direct, s.owl.sql)},
	}
	return s, nil
}

func (s *stage) tearDown() {
	if s.owl != nil {
		s.owl.stop()
	}
	if s.relay != nil {
		s.relay.stop()
	}
	s.postgres.Stop()
	if s.folder != "" {
		os.RemoveAll(s.folder)
	}
}

// connect opens a session by a route.
func (s *stage) connect(ctx context.Context, name string) (*pgx.Conn, error) {
	return pgx.Connect(ctx, s.url(name))
}

func withAddress(raw, address string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	u.Host = address
	return u.String()
}

// owl is a running pgowl serve.
type owl struct {
	cmd       *exec.Cmd
	done      chan struct{}
	sql, http string
	log       string
}

// startOwl starts pgowl before a server and waits until it is ready.
func startOwl(ctx context.Context, binary, folder, upstream string) (*owl, error) {
	c, err := conf.Load([]string{"serve"}, os.Environ())
	if err != nil {
		return nil, err
	}
	library := c.ONNXRuntime
	if library == "" {
		if found, _ := filepath.Glob(filepath.Join(c.Data, "onnxruntime", "libonnxruntime*")); len(found) > 0 {
			library = found[len(found)-1]
		}
	}
	o := &owl{done: make(chan struct{}), sql: freeAddress(), http: freeAddress(), log: filepath.Join(folder, "pgowl.log")}
	log, err := os.Create(o.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	o.cmd = exec.Command(binary, "serve")
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "PGOWL_") {
			o.cmd.Env = append(o.cmd.Env, e)
		}
	}
	o.cmd.Env = append(o.cmd.Env, "PGOWL_DATA="+folder, "PGOWL_MODELS="+c.Models, "PGOWL_ONNXRUNTIME="+library,
		"PGOWL_LISTEN="+o.sql, "PGOWL_HTTP="+o.http, "PGOWL_UPSTREAM="+upstream, "PGOWL_SERVICE="+upstream)
	o.cmd.Stdout, o.cmd.Stderr = log, log
	if err := startChild(o.cmd, o.done); err != nil {
		return nil, fmt.Errorf("%s: %w (make build makes it)", binary, err)
	}
	if err := o.ready(ctx); err != nil {
		o.stop()
		return nil, err
	}
	return o, nil
}

// startChild starts a program that ends with this one. The kernel watches the thread that starts it, so that one has to last.
func startChild(cmd *exec.Cmd, done chan struct{}) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	bound(cmd.SysProcAttr)
	started := make(chan error)
	go func() {
		defer close(done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait()
		}
	}()
	return <-started
}

func freeAddress() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "127.0.0.1:0"
	}
	defer l.Close()
	return l.Addr().String()
}

func (o *owl) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+o.http+"/ready", nil)
		if err != nil {
			return err
		}
		if answer, err := http.DefaultClient.Do(request); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-o.done:
			return fmt.Errorf("pgowl ended before it was ready:\n%s", o.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("pgowl is not ready:\n%s", o.lastWords())
		}
	}
}

// reachable waits until an address takes connections, or done is closed.
func reachable(ctx context.Context, address string, done chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		c, err := net.Dial("tcp", address)
		if err == nil {
			return c.Close()
		}
		select {
		case <-tick.C:
		case <-done:
			return errors.New("it ended at once")
		case <-ctx.Done():
			return err
		}
	}
}

func (o *owl) lastWords() []byte {
	text, _ := os.ReadFile(o.log)
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-10):], []byte("\n"))
}

func (o *owl) stop() {
	if o.cmd.Process == nil {
		return
	}
	o.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-o.done:
	case <-time.After(30 * time.Second):
		o.cmd.Process.Kill()
		<-o.done
	}
}
