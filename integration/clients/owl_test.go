package clients

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
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

	"github.com/pgowl/pgowl/integration/child"
	"github.com/pgowl/pgowl/integration/pgtest"
)

// limit is for anything that has to happen at all; machines that run all tests at once are slow.
const limit = 3 * time.Minute

// jwtSecret signs the tests' tokens.
const jwtSecret = "a secret of at least thirty-two characters"

// binary is the program under test, built by TestMain.
var binary string

func TestMain(m *testing.M) {
	code := func() int {
		dir, err := os.MkdirTemp("", "owl")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		defer pgtest.StopShared()
		// The embedded server may run as another user, who has to enter.
		if err := os.Chmod(dir, 0o755); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		binary = filepath.Join(dir, "pgowl")
		if out, err := exec.Command("go", "build", "-o", binary, "../..").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
			return 1
		}
		shared.dir = dir
		defer func() {
			if shared.owl != nil {
				shared.owl.process.Stop(limit)
			}
			closeRig()
		}()
		return m.Run()
	}()
	os.Exit(code)
}

// owl is a running pgowl serve.
type owl struct {
	process   *child.Process
	sql, http string // addresses
	url       string // of the role and the database that tests use
	owner     string // of somebody who may make triggers in schema cron, past the proxy; empty: url's role may
	log       *logBuffer
}

var shared struct {
	sync.Mutex
	dir string
	owl *owl
}

// sharedOwl gives the one PgOwl of this test binary, which has a private Postgres. It is started by the first call.
func sharedOwl(t *testing.T) *owl {
	t.Helper()
	needParts(t)
	shared.Lock()
	defer shared.Unlock()
	if shared.owl == nil {
		data := filepath.Join(shared.dir, "data")
		o, err := startOwl("PGOWL_DATA="+data, "PGOWL_JWT_SECRET="+jwtSecret)
		if err != nil {
			t.Fatal(err)
		}
		password, err := os.ReadFile(filepath.Join(data, "postgres.password"))
		if err != nil {
			t.Fatal(err)
		}
		o.url = fmt.Sprintf("postgres://postgres:%s@%s/postgres?sslmode=disable", strings.TrimSpace(string(password)), o.sql)
		shared.owl = o
	}
	return shared.owl
}

// needParts skips where the model or the library to run it is not there; make test brings both.
func needParts(t *testing.T) {
	t.Helper()
	for _, name := range []string{"PGOWL_MODELS", "PGOWL_ONNXRUNTIME"} {
		if os.Getenv(name) == "" {
			t.Skipf("%s is not set: make test sets it", name)
		}
	}
}

// startOwl starts the binary on ports of its own choice and returns when it says that it serves.
func startOwl(settings ...string) (*owl, error) {
	cmd := exec.Command(binary, "serve")
	cmd.Env = append(child.WithoutPrefix(os.Environ(), "PGOWL_"),
		"PGOWL_MODELS="+os.Getenv("PGOWL_MODELS"), "PGOWL_ONNXRUNTIME="+os.Getenv("PGOWL_ONNXRUNTIME"),
		"PGOWL_LISTEN=127.0.0.1:0", "PGOWL_HTTP=127.0.0.1:0", "PGOWL_LOG_FORMAT=json")
	cmd.Env = append(cmd.Env, settings...)
	o := &owl{log: &logBuffer{}}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = w, w
	o.process, err = child.Start(cmd, syscall.SIGTERM)
	w.Close()
	if err != nil {
		r.Close()
		return nil, err
	}
	serving := make(chan struct{})
	go o.readLog(r, serving)
	timeout := time.NewTimer(limit)
	defer timeout.Stop()
	select {
	case <-serving:
		return o, nil
	case <-o.process.Done():
		return nil, fmt.Errorf("pgowl ended before it served:\n%s", o.log)
	case <-timeout.C:
		o.process.Stop(limit)
		return nil, fmt.Errorf("pgowl does not serve:\n%s", o.log)
	}
}

// readLog keeps what pgowl logs and closes serving at the line that tells the addresses.
func (o *owl) readLog(r *os.File, serving chan<- struct{}) {
	defer r.Close()
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		o.log.Write(line)
		var entry struct{ Msg, SQL, HTTP string }
		if json.Unmarshal(line, &entry) == nil && entry.Msg == "serving" && o.sql == "" {
			o.sql, o.http = entry.SQL, entry.HTTP
			close(serving)
		}
		if err != nil {
			return
		}
	}
}

// connect opens a session that the test's end closes.
func (o *owl) connect(t *testing.T, change ...func(*pgx.ConnConfig)) *pgx.Conn {
	t.Helper()
	config, err := pgx.ParseConfig(o.url)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range change {
		f(config)
	}
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatalf("connect: %v\n%s", err, o.log)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// post calls a REST function and gives status and body. Headers are name: value.
func (o *owl) post(t *testing.T, function, body string, headers ...string) (int, string) {
	t.Helper()
	return o.request(t, http.MethodPost, "rpc/"+function, body, headers...)
}

// request asks for a path below /rest/v1/.
func (o *owl) request(t *testing.T, method, path, body string, headers ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+o.http+"/rest/v1/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// logBuffer collects a log that is read while it is written.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
