package fault

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// gauge is what a PgOwl process holds at one time.
type gauge struct {
	goroutines int
	files      int // open descriptors
	resident   int // bytes
	backends   int // server processes in the tests' database, but the one that counts
}

func (g gauge) String() string {
	return fmt.Sprintf("%d goroutines, %d descriptors, %.1f MB resident, %d backends", g.goroutines, g.files, float64(g.resident)/1e6, g.backends)
}

// read measures the process.
func (o *owl) read(t *testing.T) gauge {
	t.Helper()
	g := gauge{goroutines: o.goroutines(t)}
	entries, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(o.cmd.Process.Pid), "fd"))
	if err != nil {
		t.Fatalf("PgOwl's descriptors: %v", err)
	}
	g.files = len(entries)
	g.resident = o.resident(t)
	conn := connect(t, o.direct)
	defer conn.Close(context.Background())
	if err := conn.QueryRow(context.Background(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()").Scan(&g.backends); err != nil {
		t.Fatal(err)
	}
	return g
}

// resident is the memory that the process has in use, in bytes.
func (o *owl) resident(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(o.cmd.Process.Pid), "status"))
	if err != nil {
		t.Fatalf("PgOwl's memory: %v", err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kilobytes, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kilobytes << 10
}

// goroutines asks the metrics.
func (o *owl) goroutines(t *testing.T) int {
	t.Helper()
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := client.Get("http://" + o.http + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	for lines := bufio.NewScanner(r.Body); lines.Scan(); {
		if n, ok := strings.CutPrefix(lines.Text(), "go_goroutines "); ok {
			v, err := strconv.Atoi(n)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
	}
	t.Fatal("PgOwl's metrics tell no goroutines")
	return 0
}

// slack is what a process may hold more than before without having leaked: of goroutines, descriptors and backends, and of memory.
type slack struct{ count, bytes int }

var (
	wireSlack  = slack{4, 48 << 20}  // without the stack
	stackSlack = slack{24, 96 << 20} // the pools of the call lane grow with their use: 16 mailboxes, 4 connections
)

// settles waits until the process holds no more than before, and tells what it holds then.
func (o *owl) settles(t *testing.T, before gauge, s slack) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	late := time.After(2 * patience)
	for {
		g := o.read(t)
		if g.goroutines <= before.goroutines+s.count && g.files <= before.files+s.count && g.backends <= before.backends+s.count {
			t.Logf("before: %v; after: %v", before, g)
			if g.resident > before.resident+s.bytes {
				t.Errorf("memory: %.1f MB, then %.1f", float64(before.resident)/1e6, float64(g.resident)/1e6)
			}
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("left behind: before: %v; after: %v", before, g)
		}
	}
}
