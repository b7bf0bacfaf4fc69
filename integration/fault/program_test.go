package fault

import (
	"bufio"
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
	"testing"
	"time"

	"github.com/pgowl/pgowl/integration/child"
	"github.com/pgowl/pgowl/integration/pgtest"
)

// program is PgOwl's binary, built once.
var program struct {
	sync.Once
	dir, path string
	err       error
}

// owl is a PgOwl process.
type owl struct {
	cmd    *exec.Cmd
	direct string // URL of the database behind
	sql    string // address
	http   string
	done   chan struct{}
}

// launch starts PgOwl in front of a database and waits until it serves.
func launch(t *testing.T, url string, env ...string) *owl {
	t.Helper()
	program.Do(func() {
		if program.path = os.Getenv("FAULT_PGOWL"); program.path != "" {
			return // a binary that is there already
		}
		if program.dir, program.err = os.MkdirTemp("", "pgowl-fault-*"); program.err != nil {
			return
		}
		program.path = filepath.Join(program.dir, "pgowl")
		out, err := exec.Command("go", "build", "-o", program.path, "../..").CombinedOutput()
		if err != nil {
			program.err = fmt.Errorf("build: %w\n%s", err, out)
		}
	})
	if program.err != nil {
		t.Fatal(program.err)
	}
	o := &owl{cmd: exec.Command(program.path, "serve"), direct: url, done: make(chan struct{})}
	o.cmd.Env = append(child.WithoutPrefix(os.Environ(), "PGOWL_SOAK"), append([]string{"PGOWL_UPSTREAM=" + url, "PGOWL_SERVICE=" + url, "PGOWL_LISTEN=127.0.0.1:0",
		"PGOWL_HTTP=127.0.0.1:0", "PGOWL_DATA=" + t.TempDir(), "PGOWL_LOG_FORMAT=json",
		"PGOWL_SQL_MODEL_NODES=0"}, env...)...) // models stay in the engine: a call that needs no proxy cannot lose one
	stderr, err := o.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	o.cmd.Stdout = o.cmd.Stderr
	if err := o.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	serving := make(chan bool, 1)
	go func() {
		defer close(o.done)
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			if os.Getenv("FAULT_LOG") != "" {
				fmt.Println(lines.Text())
			}
			var entry struct{ Msg, SQL, HTTP string }
			if json.Unmarshal(lines.Bytes(), &entry) == nil && entry.SQL != "" && entry.HTTP != "" {
				o.sql, o.http = entry.SQL, entry.HTTP
				serving <- true
			}
		}
		o.cmd.Wait()
	}()
	t.Cleanup(o.kill)
	select {
	case <-serving:
	case <-o.done:
		t.Fatal("PgOwl has ended")
	case <-time.After(patience):
		t.Fatal("PgOwl does not serve")
	}
	return o
}

// kill ends the process as a power failure would.
func (o *owl) kill() {
	o.cmd.Process.Kill()
	<-o.done
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

// post calls a REST function.
func post(url, body string) (status int, answer string) {
	c := http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := c.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	defer r.Body.Close()
	b, _ := io.ReadAll(r.Body)
	return r.StatusCode, string(b)
}

// A proxy that dies during a training leaves nothing of it, and the next one goes on.
func TestProxyKilledDuringTraining(t *testing.T) {
	url := pgtest.Start(t).Database(t)
	first := launch(t, url)
	prepare(t, through(url, first.sql))
	conn := connect(t, through(url, first.sql))
	pid := conn.PgConn().PID()
	done := run(conn, longTrain)
	running(t, url, pid)
	first.kill()
	if err := wait(t, done); err == nil {
		t.Error("the training ended well")
	}
	ended(t, url, pid)
	await(t, url, "SELECT count(*) = 0 FROM pgml.projects WHERE name = 'long'")
	await(t, url, "SELECT (SELECT count(*) FROM pgml.models) = 1 AND (SELECT count(*) FROM pgml.deployments) = 1 AND (SELECT count(DISTINCT model_id) FROM pgml.files) = 1")
	second := launch(t, url)
	if err := works(connect(t, through(url, second.sql))); err != nil {
		t.Errorf("the next PgOwl: %v", err)
	}
	again := connect(t, through(url, second.sql))
	if err := wait(t, run(again, strings.ReplaceAll(longTrain, "100000", "3"))); err != nil {
		t.Errorf("the next training: %v", err)
	}
}

// lost reports whether an error is one that a session may end with when its server does. Of two sessions of a killed server, one's
// process may have noticed the postmaster's end, and said so, before it was killed itself, and the other's not.
func lost(code string) bool {
	return code == "57P01" || code == "57P02" || strings.Contains(code, "EOF") || strings.Contains(code, "conn closed")
}

// When Postgres dies clients see what they would see without PgOwl, and all of PgOwl works again once Postgres does.
func TestPostgresKilled(t *testing.T) {
	server := pgtest.Start(t, pgtest.Setting("log_min_messages", "warning"))
	url := server.Database(t)
	o := launch(t, url, "PGOWL_REST_ANON_ROLE=postgres")
	prepare(t, through(url, o.sql))
	setUp := connect(t, through(url, o.sql))
	for _, sql := range []string{
		"CREATE EXTENSION IF NOT EXISTS pg_cron",
		"CREATE TABLE beats (at timestamptz DEFAULT clock_timestamp())",
		"SELECT cron.schedule('beat', '1 second', 'INSERT INTO beats DEFAULT VALUES')",
		"CREATE FUNCTION score(a real) RETURNS real LANGUAGE sql AS $$ SELECT pgml.predict('line', ARRAY[a, 4]::real[]) $$",
	} {
		if _, err := setUp.Exec(context.Background(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	await(t, url, "SELECT count(*) > 0 FROM beats")
	for name, end := range map[string]func(){"killed": server.Kill, "stopped": server.Stop} {
		t.Run(name, func(t *testing.T) {
			direct, owled, calling := connect(t, url), connect(t, through(url, o.sql)), connect(t, through(url, o.sql))
			idleDirect, idleOwl := connect(t, url), connect(t, through(url, o.sql))
			a, b, c := run(direct, "SELECT pg_sleep(100)"), run(owled, "SELECT pg_sleep(100)"), run(calling, longCall)
			running(t, url, direct.PgConn().PID())
			running(t, url, owled.PgConn().PID())
			running(t, url, calling.PgConn().PID())
			end()
			want := code(wait(t, a))
			if got := code(wait(t, b)); got != want && !(name == "killed" && lost(got)) {
				t.Errorf("a query: got %s, want %s", got, want)
			}
			if got := code(wait(t, c)); got != want && !lost(got) {
				t.Errorf("a call: got %s, want %s", got, want)
			}
			want = code(wait(t, run(idleDirect, "SELECT 1")))
			if got := code(wait(t, run(idleOwl, "SELECT 1"))); got != want && !(name == "killed" && lost(got)) {
				t.Errorf("idle: got %s, want %s", got, want)
			}
			if status, _ := get("http://" + o.http + "/ready"); status != http.StatusServiceUnavailable {
				t.Errorf("ready without Postgres: %d", status)
			}
			server.Restart(t)
			for deadline := time.Now().Add(patience); ; {
				status, body := get("http://" + o.http + "/ready")
				if status == http.StatusOK {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("not ready: %d %s", status, body)
				}
			}
			if err := works(connect(t, through(url, o.sql))); err != nil {
				t.Errorf("afterwards: %v", err)
			}
			var status int
			var body string
			for deadline := time.Now().Add(patience); status != http.StatusOK && time.Now().Before(deadline); {
				status, body = post("http://"+o.http+"/rest/v1/rpc/score", `{"a": 3}`)
			}
			if status != http.StatusOK {
				t.Errorf("REST: %d %s", status, body)
			}
			await(t, url, "SELECT count(*) > 0 FROM beats WHERE at > pg_postmaster_start_time()")
		})
	}
}
