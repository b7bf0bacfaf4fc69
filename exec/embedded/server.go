package embedded

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"go.uber.org/zap"
)

// Options of PgOwl's private server.
type Options struct {
	Data string      // PgOwl's data folder; made if missing
	Log  *zap.Logger // nil: silent

	// Fetch brings server programs into the folder dir when none are installed; nil means the function of that name.
	Fetch func(ctx context.Context, dir string) (Binaries, error)
}

// Server is PgOwl's private Postgres. Its data live in Data/postgres and outlast the process.
type Server struct {
	cluster  *Cluster
	password string
	lock     *os.File
	sockets  string // a socket folder outside of Data, to be removed; empty when inside
	log      *zap.Logger
}

// maxLog is the size from which on the last log is put aside at a start.
const maxLog = 16 << 20

// Start starts the private server of a data folder, making it at the first time, and returns when it takes connections.
// The superuser is postgres, with a random password that only this process's user can read (Data/postgres.password). One
// process at a time may have a data folder.
func Start(ctx context.Context, o Options) (_ *Server, err error) {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Fetch == nil {
		o.Fetch = Fetch
	}
	data, err := filepath.Abs(o.Data)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(data, 0o755); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	s := &Server{log: o.Log}
	if s.lock, err = lockFolder(data); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.Stop()
		}
	}()
	s.cluster = &Cluster{Dir: filepath.Join(data, "postgres"), LogFile: filepath.Join(data, "postgres.log"), Settings: map[string]string{
		"max_connections":   "200",
		"logging_collector": "off", // the log goes where we said
	}}
	major, exists := s.cluster.Initialized()
	if s.cluster.Binaries, err = programs(ctx, o, data, major); err != nil {
		return nil, err
	}
	acc, err := accountFor(s.cluster.Dir)
	if err != nil {
		return nil, err
	}
	if err := s.prepareSockets(data, acc); err != nil {
		return nil, err
	}
	if err := prepareLog(s.cluster.LogFile); err != nil {
		return nil, err
	}
	passwordFile := filepath.Join(data, "postgres.password")
	if exists {
		text, err := os.ReadFile(passwordFile)
		if err != nil {
			return nil, fmt.Errorf("password of the embedded Postgres: %w", err)
		}
		s.password = strings.TrimSpace(string(text))
	} else if err := s.create(ctx, passwordFile); err != nil {
		return nil, err
	}
	if err := s.cluster.Start(ctx); err != nil {
		return nil, err
	}
	o.Log.Info("embedded Postgres started", zap.Int("version", s.cluster.Binaries.Major), zap.Int("port", s.cluster.Port), zap.String("data", s.cluster.Dir))
	return s, nil
}

// programs finds the server's programs, those that fit the existing data when there are some.
func programs(ctx context.Context, o Options, data string, major int) (Binaries, error) {
	fetched := filepath.Join(data, "postgres-programs")
	b, err := Find(major, filepath.Join(fetched, "*", "bin"))
	if err == nil || !errors.Is(err, ErrNoBinaries) {
		return b, err
	}
	if major != 0 && !strings.HasPrefix(string(fetchedVersion), strconv.Itoa(major)+".") {
		return b, fmt.Errorf("the data in %s are of Postgres %d, of which no server is installed: install it, or choose another data folder", filepath.Join(data, "postgres"), major)
	}
	o.Log.Info("no Postgres server is installed, fetching one", zap.String("into", fetched))
	return o.Fetch(ctx, fetched)
}

// create makes the data directory with a new password.
func (s *Server) create(ctx context.Context, passwordFile string) error {
	if left, err := os.ReadDir(s.cluster.Dir); err == nil && len(left) > 0 {
		return fmt.Errorf("%s exists and is no Postgres data directory", s.cluster.Dir)
	}
	raw := make([]byte, 24)
	rand.Read(raw) // never fails, see its documentation
	s.password = base64.RawURLEncoding.EncodeToString(raw)
	// The password first: data without their password would be lost to us, a password without data is written anew.
	if err := os.WriteFile(passwordFile, []byte(s.password+"\n"), 0o600); err != nil {
		return err
	}
	if err := os.Chmod(passwordFile, 0o600); err != nil {
		return err
	}
	os.Remove(s.cluster.Dir) // an empty folder would be in the way of the rename
	s.log.Info("making the embedded Postgres's data directory", zap.String("data", s.cluster.Dir))
	// Jobs run as their owners, whose passwords nobody here knows: whoever may enter the socket's folder (mode 0700) is trusted.
	return s.cluster.Init(ctx, s.password, "local all all trust")
}

// prepareSockets makes the folder of the Unix socket: inside the data folder, or, as socket paths are at most 107 bytes
// long, among the temporary files.
func (s *Server) prepareSockets(data string, acc account) error {
	dir := filepath.Join(data, "run")
	if len(dir) > 80 {
		tmp, err := os.MkdirTemp("", "pgowl-")
		if err != nil {
			return err
		}
		s.sockets, dir = tmp, tmp
	} else if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	s.cluster.SocketDir = dir
	return acc.give(dir)
}

func prepareLog(path string) error {
	if info, err := os.Stat(path); err == nil && info.Size() > maxLog {
		return os.Rename(path, path+".old")
	}
	return nil
}

// lockFolder takes a data folder for this process; the lock goes with the process, however it ends.
func lockFolder(data string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(data, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("the data folder %s is in use by another pgowl", data)
	}
	return f, nil
}

// URL is the server's connection URL over TCP as superuser postgres, database postgres, password included: not for logs.
func (s *Server) URL() string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword("postgres", s.password), Host: "127.0.0.1:" + strconv.Itoa(s.cluster.Port), Path: "/postgres", RawQuery: "sslmode=disable"}
	return u.String()
}

// SocketURL is the server's connection URL over its Unix socket, where every role is trusted: its folder lets nobody in
// but this process's user and the server's.
func (s *Server) SocketURL() string {
	q := url.Values{"host": {s.cluster.SocketDir}, "port": {strconv.Itoa(s.cluster.Port)}, "user": {"postgres"}, "sslmode": {"disable"}}
	return "postgres:///postgres?" + q.Encode()
}

// Port is the server's TCP port on 127.0.0.1.
func (s *Server) Port() int { return s.cluster.Port }

// Password is the superuser's password.
func (s *Server) Password() string { return s.password }

// SocketDir is the folder of the server's Unix socket.
func (s *Server) SocketDir() string { return s.cluster.SocketDir }

// Major is the server's major version, such as 18.
func (s *Server) Major() int { return s.cluster.Binaries.Major }

// Done is closed when the server has ended, by itself or by Stop.
func (s *Server) Done() <-chan struct{} { return s.cluster.Done() }

// Stop shuts the server down (fast), waits for its end and gives the data folder free. It may be called twice.
func (s *Server) Stop() {
	if s == nil {
		return
	}
	if s.cluster != nil {
		s.cluster.Stop()
	}
	if s.sockets != "" {
		os.RemoveAll(s.sockets)
		s.sockets = ""
	}
	if s.lock != nil {
		s.lock.Close()
		s.lock = nil
	}
}
