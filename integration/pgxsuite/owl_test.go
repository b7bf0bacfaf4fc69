package pgxsuite

import (
	"bufio"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pgowl/pgowl/integration/child"
)

// patience is for anything that has to happen at all; machines that run all tests at once are slow.
const patience = 3 * time.Minute

// startOwl starts PgOwl in front of upstream, with the stack installed by service, until the test ends. It gives the address that it
// serves SQL on, which is one that it chose where settings name none.
func startOwl(t *testing.T, upstream, service string, settings ...string) string {
	t.Helper()
	cmd := exec.Command(built.owl, "serve")
	cmd.Env = append(child.WithoutPrefix(os.Environ(), "PG"), "PGOWL_UPSTREAM="+upstream, "PGOWL_SERVICE="+service,
		"PGOWL_DATA="+t.TempDir(), "PGOWL_LISTEN=127.0.0.1:0", "PGOWL_HTTP=127.0.0.1:0", "PGOWL_LOG_FORMAT=json")
	cmd.Env = append(cmd.Env, settings...)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = w, w
	p, err := child.Start(cmd, syscall.SIGKILL)
	w.Close()
	if err != nil {
		r.Close()
		t.Fatal(err)
	}
	log := &owlLog{serving: make(chan string, 1), ended: make(chan struct{})}
	go log.read(r)
	t.Cleanup(func() {
		p.Stop(patience)
		<-log.ended
		if t.Failed() {
			t.Logf("PgOwl's log:\n%s", log.lines())
		}
	})
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case address := <-log.serving:
		return address
	case <-p.Done():
		<-log.ended
		t.Fatalf("PgOwl ended before it served:\n%s", log.lines())
	case <-timeout.C:
		t.Fatalf("PgOwl does not serve:\n%s", log.lines())
	}
	return ""
}

// owlLog keeps what PgOwl says.
type owlLog struct {
	serving chan string // the address, once
	ended   chan struct{}

	mu   sync.Mutex
	text []string
}

func (l *owlLog) read(r *os.File) {
	defer close(l.ended)
	defer r.Close()
	said := false
	for lines := bufio.NewScanner(r); lines.Scan(); {
		l.mu.Lock()
		l.text = append(l.text, lines.Text())
		l.mu.Unlock()
		var entry struct{ Msg, SQL string }
		if json.Unmarshal(lines.Bytes(), &entry) == nil && entry.Msg == "serving" && !said {
			said = true
			l.serving <- entry.SQL
		}
	}
}

// lines gives the end of the log.
func (l *owlLog) lines() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.text[max(0, len(l.text)-60):], "\n")
}

func portOf(t *testing.T, address string) int {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
