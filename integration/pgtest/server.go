package pgtest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pgowl/pgowl/exec/embedded"
)

// startLimit is generous since many test binaries start servers at the same time on small machines.
const startLimit = 3 * time.Minute

// Server is a running throw-away Postgres with superuser postgres, whom everybody on this machine may be (trust), unless
// the options say otherwise.
type Server struct {
	cluster *embedded.Cluster
	root    string // everything of the server's lies below
	lock    *os.File
}

// Option changes a server.
type Option func(*options)

type options struct {
	settings map[string]string
	files    map[string]string
	hba      []string
	password string
	binaries string
}

// Setting sets a configuration parameter, as in postgresql.conf.
func Setting(name, value string) Option { return func(o *options) { o.settings[name] = value } }

// HBA puts a line before the rules of pg_hba.conf, such as "host all alice 127.0.0.1/32 md5".
func HBA(line string) Option { return func(o *options) { o.hba = append(o.hba, line) } }

// Password gives the superuser a password; all connections then need one (SCRAM).
func Password(password string) Option { return func(o *options) { o.password = password } }

// Binaries names the folder of the server's programs, to test with another version than the default one. For all servers of a test binary
// PGTEST_POSTGRES does.
func Binaries(dir string) Option { return func(o *options) { o.binaries = dir } }

var shared struct {
	sync.Mutex
	server *Server
}

// Start gives a running server. Without options that is the one of this test binary, started by the first call and stopped
// by Main; with options a new one, stopped when the test ends. It fails the test when there is no Postgres to start.
func Start(tb testing.TB, opts ...Option) *Server {
	tb.Helper()
	if len(opts) > 0 {
		s, err := start(opts)
		if err != nil {
			tb.Fatalf("pgtest: %v", err)
		}
		tb.Cleanup(s.Remove)
		return s
	}
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil {
		s, err := start(nil)
		if err != nil {
			tb.Fatalf("pgtest: %v", err)
		}
		shared.server = s
	}
	return shared.server
}

// Open is Start with options for a server that outlives a test: its Remove stops it.
func Open(opts ...Option) (*Server, error) { return start(opts) }

// Main runs a test binary's tests and stops the shared server: func TestMain(m *testing.M) { pgtest.Main(m) }.
func Main(m *testing.M) {
	code := m.Run()
	StopShared()
	os.Exit(code)
}

// StopShared stops the shared server, if one was started; for a TestMain that has more to do after the tests.
func StopShared() {
	shared.Lock()
	defer shared.Unlock()
	if shared.server != nil {
		shared.server.Remove()
		shared.server = nil
	}
}

func start(opts []Option) (_ *Server, err error) {
	o := options{binaries: os.Getenv("PGTEST_POSTGRES"), files: map[string]string{}, settings: map[string]string{
		// Nothing has to survive; many tests share two cores.
		"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off",
		"shared_buffers": "32MB", "max_connections": "200",
		"autovacuum": "off", "jit": "off",
		// Logical so that replication clients can be tested.
		"wal_level": "logical", "max_wal_senders": "4",
		"log_line_prefix": "%m [%p] %u@%d ", "logging_collector": "off",
	}}
	for _, opt := range opts {
		opt(&o)
	}
	var b embedded.Binaries
	if o.binaries != "" {
		b.Dir = o.binaries
	} else {
		var extra []string
		if data := os.Getenv("PGOWL_DATA"); data != "" {
			extra = append(extra, filepath.Join(data, "postgres-programs", "*", "bin"))
		}
		if b, err = embedded.Find(0, extra...); err != nil {
			return nil, fmt.Errorf("%w: run make setup", err)
		}
	}
	root, lock, err := makeRoot()
	if err != nil {
		return nil, err
	}
	s := &Server{root: root, lock: lock, cluster: &embedded.Cluster{
		Binaries:  b,
		Dir:       filepath.Join(root, "data"),
		SocketDir: root,
		LogFile:   filepath.Join(root, "log"),
		Settings:  o.settings,
		Orphan:    syscall.SIGQUIT,
	}}
	defer func() {
		if err != nil {
			s.Remove()
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	if err := s.cluster.Init(ctx, o.password, o.hba...); err != nil {
		return nil, err
	}
	if err := writeFiles(s.cluster.Dir, o.files); err != nil {
		return nil, err
	}
	if err := s.cluster.Start(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// URL gives a connection URL over TCP as superuser postgres.
func (s *Server) URL(db string) string {
	u := url.URL{Scheme: "postgres", User: url.User("postgres"), Host: "127.0.0.1:" + strconv.Itoa(s.Port()), Path: "/" + db, RawQuery: "sslmode=disable"}
	return u.String()
}

// Port is the server's TCP port on 127.0.0.1; it stays the same over Restart.
func (s *Server) Port() int { return s.cluster.Port }

// SocketDir is the folder of the server's Unix socket.
func (s *Server) SocketDir() string { return s.cluster.SocketDir }

// Log gives the server's log so far.
func (s *Server) Log() string {
	text, err := os.ReadFile(s.cluster.LogFile)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Stop shuts the server down (fast) and waits. Restart brings it back.
func (s *Server) Stop() { s.cluster.Stop() }

// Kill ends the server and its backends at once, as a power failure would. Restart brings it back.
func (s *Server) Kill() { s.cluster.Kill() }

// Restart stops the server if it runs and starts it on the same port and data.
func (s *Server) Restart(tb testing.TB) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	s.cluster.Stop()
	if err := s.cluster.Start(ctx); err != nil {
		tb.Fatalf("pgtest: restart: %v", err)
	}
}

// Remove stops the server and deletes its data.
func (s *Server) Remove() {
	s.cluster.Stop()
	os.RemoveAll(s.root)
	s.lock.Close()
}
