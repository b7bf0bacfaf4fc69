package ops

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/integration/pgtest"
)

// A new process takes over: nobody who connects is refused, a transaction is finished on the old one, and HTTP goes on.
func TestRestartRefusesNobody(t *testing.T) {
	url := pgtest.Start(t).Database(t)
	dir, err := os.MkdirTemp("", "owl") // a unix socket's path has to be short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	socket := filepath.Join(dir, ".s.PGSQL.6432")
	o := launch(t, url, "PGOWL_LISTEN=127.0.0.1:0,"+socket, "PGOWL_SHUTDOWN_TIME=60s")
	owl := through(url, o.sql)
	busy := connect(t, owl)
	one(t, busy, "BEGIN")

	var done atomic.Bool
	var rounds atomic.Int64
	var wait sync.WaitGroup
	client := func(what string, round func(ctx context.Context) error) {
		wait.Go(func() {
			for !done.Load() {
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				if err := round(ctx); err != nil {
					t.Errorf("%s: %v", what, err)
					done.Store(true)
				}
				cancel()
				rounds.Add(1)
			}
		})
	}
	query := func(ctx context.Context, options ...func(*pgx.ConnConfig)) error {
		config, err := pgx.ParseConfig(owl)
		if err != nil {
			return err
		}
		for _, o := range options {
			o(config)
		}
		conn, err := pgx.ConnectConfig(ctx, config)
		if err != nil {
			return err
		}
		defer conn.Close(ctx)
		var n int
		return conn.QueryRow(ctx, "SELECT 1").Scan(&n)
	}
	client("tcp", func(ctx context.Context) error { return query(ctx) })
	client("unix", func(ctx context.Context) error { return query(ctx, over(socket)) })
	client("http", func(ctx context.Context) error {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", o.http) // a request under way when its server ends may be tried again, a refusal not
		if err == nil {
			conn.Close()
		}
		return err
	})

	old := float64(o.cmd.Process.Pid)
	o.signal(t, syscall.SIGUSR2)
	took := o.logged(t, "a new process has taken over", 1)[0]
	pid := int(took["pid"].(float64))
	t.Cleanup(func() {
		syscall.Kill(pid, syscall.SIGKILL)
	})
	serving := o.logged(t, "serving", 2)
	if serving[0]["pid"] != old || serving[1]["pid"] != float64(pid) || serving[0]["sql"] != serving[1]["sql"] || serving[0]["http"] != serving[1]["http"] {
		t.Errorf("serving: %v", serving)
	}
	for n := rounds.Load(); rounds.Load() < n+30 && !done.Load(); { // against the new one now
		conn, err := net.Dial("tcp", o.sql)
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	if status, _ := get("http://" + o.http + "/ready"); status != http.StatusOK {
		t.Errorf("ready: %d", status)
	}
	if got := one(t, busy, "SELECT 2"); got != "2" {
		t.Errorf("the old session: got %s", got)
	}
	one(t, busy, "COMMIT")
	busy.Close(context.Background())
	// The old process ends once its last client has left.
	deadline := time.Now().Add(patience)
	for alive := true; alive; {
		data, err := os.ReadFile("/proc/" + strconv.Itoa(int(old)) + "/stat")
		alive = err == nil && !strings.Contains(string(data), ") Z ")
		if alive && time.Now().After(deadline) {
			t.Fatal("the old process lives on")
		}
	}
	for n := rounds.Load(); rounds.Load() < n+10 && !done.Load(); {
		conn, err := net.Dial("tcp", o.sql)
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	done.Store(true)
	wait.Wait()
	if _, err := os.Stat(socket); err != nil {
		t.Errorf("the socket went with the old process: %v", err)
	}
	syscall.Kill(pid, syscall.SIGTERM)
	o.ended(t)
	if _, err := os.Stat(socket); err == nil {
		t.Error("the socket is left behind")
	}
}

// A new process that doesn't start changes nothing.
func TestRestartThatFails(t *testing.T) {
	url := pgtest.Start(t).Database(t)
	config := filepath.Join(t.TempDir(), "pgowl.conf")
	if err := os.WriteFile(config, []byte("log_level = info\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := launch(t, url, "PGOWL_CONFIG="+config)
	if err := os.WriteFile(config, []byte("log_level = loud\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o.signal(t, syscall.SIGUSR2)
	o.logged(t, "no new process is started", 1)
	if got := one(t, connect(t, through(url, o.sql)), "SELECT 1"); got != "1" {
		t.Errorf("got %s", got)
	}
}
