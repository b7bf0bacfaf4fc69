package main

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestReadLogs(t *testing.T) {
	prefix := filepath.Join(t.TempDir(), "t")
	for name, text := range map[string]string{
		".10":   "0 1 250 0 1700000000 500000\n3 7 1250 0 1700000001 20\n",
		".10.1": "1 1 90 0 1700000000 1\n",
	} {
		if err := os.WriteFile(prefix+name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run, err := readLogs(prefix)
	if err != nil || len(run) != 3 {
		t.Fatalf("got %v, %v", run, err)
	}
	if want := time.Unix(1700000001, 20000); run[1].took != 1250*time.Microsecond || !run[1].ended.Equal(want) {
		t.Errorf("got %v, want 1.25 ms, ended %v", run[1], want)
	}
	if err := os.WriteFile(prefix+".11", []byte("progress: 1.0 s\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readLogs(prefix); err == nil {
		t.Error("a line that is no transaction was taken")
	}
}

// TestCosts: what was used before the first transaction ended and after the last one does not count, nor do those transactions.
func TestCosts(t *testing.T) {
	at := func(ms int) time.Time { return time.Unix(1700000000, 0).Add(time.Duration(ms) * time.Millisecond) }
	seen := func(when, us, switches int) look {
		cpu := time.Duration(us) * time.Microsecond
		return look{at: at(when), proxy: map[int]spent{1: {cpu, switches}}, client: map[int]spent{2: {cpu: cpu}}, server: map[int]spent{3: {cpu: cpu}}, machine: 5 * cpu}
	}
	looks := []look{seen(0, 0, 0), seen(250, 100, 10), seen(500, 300, 20), seen(750, 900, 50)}
	run := []transaction{{ended: at(240)}, {ended: at(300)}, {ended: at(400)}, {ended: at(500)}, {ended: at(500)}, {ended: at(600)}}
	got, ok := costs(looks, run)
	want := cost{proxy: 50, switches: 2.5, all: 150, others: 400e-6 / 0.25}
	if !ok || got != want {
		t.Errorf("got %+v, %v, want %+v", got, ok, want)
	}
	if _, ok := costs(looks[:2], run); ok {
		t.Error("one look told what a run costs")
	}
}

func TestSinceCountsNewThreads(t *testing.T) {
	before := map[int]spent{1: {10, 1}, 2: {100, 50}}
	after := map[int]spent{1: {15, 3}, 3: {7, 4}}
	if got, want := since(before, after), (spent{12, 6}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestThreadsOfThisProcess(t *testing.T) {
	if _, err := os.Stat("/proc/self/schedstat"); err != nil {
		t.Skip("no schedstat here")
	}
	if all := since(nil, threads(os.Getpid())); all.cpu <= 0 || all.switches <= 0 {
		t.Errorf("this process has used %+v", all)
	}
	if all, _ := resident(os.Getpid()); all <= 0 {
		t.Errorf("this process has %d kB", all)
	}
	if busy() <= 0 {
		t.Error("the machine was never busy")
	}
}

func TestRatioIsTakenRoundByRound(t *testing.T) {
	// The machine was three times slower in the second round, and the last one gave nothing.
	if got := ratio([]float64{20, 7, 18, 0}, []float64{10, 3.5, 9, 8}); got != 2 {
		t.Errorf("got %v, want 2", got)
	}
	if got := ratio(nil, nil); got != 0 {
		t.Errorf("got %v of nothing", got)
	}
}

func TestRows(t *testing.T) {
	n, err := io.Copy(io.Discard, rows(1_000_000))
	if err != nil || n < 1_000_000 || n > 1_070_000 {
		t.Errorf("got %d bytes, %v", n, err)
	}
}

func TestBreeds(t *testing.T) {
	list := breeds(options{owl: "bin/pgowl,elsewhere/before", drivers: "epoll,goroutines"})
	var names []string
	for _, b := range list {
		names = append(names, b.name)
	}
	if len(list) != 4 || names[0] != "pgowl/epoll" || names[3] != "before/goroutines" || list[3].env[0] != "PGOWL_DRIVER=goroutines" {
		t.Errorf("got %v", list)
	}
	if list := pooled(breeds(options{owl: "bin/pgowl"}), "session", "users.txt"); len(list) != 2 || list[0].env != nil || list[1].env[0] != "PGOWL_POOL=session" {
		t.Errorf("got %v", list)
	}
}
