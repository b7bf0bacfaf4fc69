package ops

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// program is PgOwl's binary, built once.
var program struct {
	sync.Once
	dir, path string
	err       error
}

// binary builds PgOwl.
func binary(t *testing.T) string {
	t.Helper()
	program.Do(func() {
		if program.dir, program.err = os.MkdirTemp("", "pgowl-ops-*"); program.err != nil {
			return
		}
		program.path = filepath.Join(program.dir, "pgowl")
		out, err := exec.Command("go", append(append([]string{"build"}, buildFlags...), "-o", program.path, "../..")...).CombinedOutput()
		if err != nil {
			program.err = fmt.Errorf("build: %w\n%s", err, out)
		}
	})
	if program.err != nil {
		t.Fatal(program.err)
	}
	return program.path
}

// owl is a PgOwl process.
type owl struct {
	cmd  *exec.Cmd
	sql  string // address
	http string
	done chan struct{} // closed when the process and all that it started have ended

	mu    sync.Mutex
	lines []string // its log, by JSON lines
	grown chan struct{}
}

// launch starts PgOwl in front of a server and waits until it serves. env comes last, and so wins.
func launch(t *testing.T, upstream string, env ...string) *owl {
	t.Helper()
	o := &owl{cmd: exec.Command(binary(t), "serve"), done: make(chan struct{}), grown: make(chan struct{})}
	o.cmd.Env = append(os.Environ(), append([]string{"PGOWL_UPSTREAM=" + upstream, "PGOWL_LISTEN=127.0.0.1:0",
		"PGOWL_HTTP=127.0.0.1:0", "PGOWL_DATA=" + t.TempDir(), "PGOWL_LOG_FORMAT=json"}, env...)...)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	o.cmd.Stdout, o.cmd.Stderr = write, write
	if err := o.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	write.Close()
	go func() {
		defer close(o.done)
		defer read.Close()
		lines := bufio.NewScanner(read)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if os.Getenv("OPS_LOG") != "" {
				fmt.Println(lines.Text())
			}
			o.mu.Lock()
			o.lines = append(o.lines, lines.Text())
			close(o.grown)
			o.grown = make(chan struct{})
			o.mu.Unlock()
		}
		o.cmd.Wait()
	}()
	t.Cleanup(func() {
		o.cmd.Process.Kill()
		<-o.done
		if log := o.log(); strings.Contains(log, "WARNING: DATA RACE") {
			t.Error(log)
		}
	})
	serving := o.logged(t, "serving", 1)[0]
	o.sql, o.http = serving["sql"].(string), serving["http"].(string)
	return o
}

// logged waits until n lines of the log have a message, and gives them.
func (o *owl) logged(t *testing.T, message string, n int) []map[string]any {
	t.Helper()
	deadline := time.After(patience)
	for {
		var found []map[string]any
		o.mu.Lock()
		for _, line := range o.lines {
			var entry map[string]any
			if json.Unmarshal([]byte(line), &entry) == nil && entry["msg"] == message {
				found = append(found, entry)
			}
		}
		grown := o.grown
		o.mu.Unlock()
		if len(found) >= n {
			return found
		}
		select {
		case <-grown:
		case <-o.done:
			t.Fatalf("PgOwl has ended, and has logged %q %d times, not %d:\n%s", message, len(found), n, o.log())
		case <-deadline:
			t.Fatalf("PgOwl has logged %q %d times, not %d:\n%s", message, len(found), n, o.log())
		}
	}
}

// log gives all that was logged so far.
func (o *owl) log() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Join(o.lines, "\n")
}

func (o *owl) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := o.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// ended waits for the process's end.
func (o *owl) ended(t *testing.T) {
	t.Helper()
	select {
	case <-o.done:
	case <-time.After(patience):
		t.Fatalf("PgOwl has not ended:\n%s", o.log())
	}
}

// get asks for a page.
func get(url string) (status int, body string) {
	c := http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := c.Get(url)
	if err != nil {
		return 0, err.Error()
	}
	defer r.Body.Close()
	b, _ := io.ReadAll(r.Body)
	return r.StatusCode, string(b)
}

// through gives a database's URL at another address.
func through(url, address string) string {
	before, rest, _ := strings.Cut(url, "@")
	_, path, _ := strings.Cut(rest, "/")
	return before + "@" + address + "/" + path
}

// dial opens a connection by the simple protocol; it is closed when the test ends.
func dial(t *testing.T, url string, options ...func(*pgx.ConnConfig)) (*pgx.Conn, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	for _, o := range options {
		o(config)
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err == nil {
		t.Cleanup(func() { conn.Close(context.Background()) })
	}
	return conn, err
}

func connect(t *testing.T, url string, options ...func(*pgx.ConnConfig)) *pgx.Conn {
	t.Helper()
	conn, err := dial(t, url, options...)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// one runs a statement and gives its only value as text.
func one(t *testing.T, conn *pgx.Conn, sql string) string {
	t.Helper()
	v, err := try(conn, sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

func try(conn *pgx.Conn, sql string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	results, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	if err != nil || len(results) == 0 || len(results[0].Rows) == 0 {
		return "", err
	}
	return string(results[0].Rows[0][0]), nil
}

// over makes connections go over a unix socket.
func over(path string) func(*pgx.ConnConfig) {
	return func(c *pgx.ConnConfig) {
		c.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		}
	}
}
