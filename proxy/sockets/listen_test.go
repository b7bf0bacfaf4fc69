package sockets

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func TestParseAddresses(t *testing.T) {
	got, err := ParseAddresses("127.0.0.1:6432, [::1]:6432 ,/run/pgowl/,/run/x/.s.PGSQL.7")
	want := []Address{{"tcp", "127.0.0.1:6432"}, {"tcp", "[::1]:6432"}, {"unix", "/run/pgowl"}, {"unix", "/run/x/.s.PGSQL.7"}}
	if err != nil || len(got) != len(want) {
		t.Fatalf("got %v, %v", got, err)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("address %d: got %v, want %v", i, got[i], want[i])
		}
	}
	for _, bad := range []string{"", "a:1,", "6432", "a:http", "a:65536", "a:-1", "run/x"} {
		if got, err := ParseAddresses(bad); err == nil {
			t.Errorf("%q: got %v", bad, got)
		}
	}
}

// answers reports whether a listener takes a connection over its own address.
func answers(t *testing.T, l net.Listener) {
	t.Helper()
	go func() {
		for { // whoever looked whether the socket is in use stands in the line, too
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Write([]byte("!"))
			conn.Close()
		}
	}()
	conn, err := net.Dial(l.Addr().Network(), l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if b, _ := io.ReadAll(conn); string(b) != "!" {
		t.Errorf("%s: got %q", l.Addr(), b)
	}
}

func TestSeveralAddresses(t *testing.T) {
	dir := t.TempDir()
	addresses, err := ParseAddresses(dir + ",127.0.0.1:0,127.0.0.1:0," + dir + "/.s.PGSQL.7")
	if err != nil {
		t.Fatal(err)
	}
	all, err := Listen(t.Context(), addresses)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range all {
		answers(t, l)
	}
	first := all[1].Addr().(*net.TCPAddr).Port
	if want := filepath.Join(dir, ".s.PGSQL."+strconv.Itoa(first)); all[0].Addr().String() != want {
		t.Errorf("the folder's socket: got %s, want %s", all[0].Addr(), want)
	}
	info, err := os.Stat(all[0].Addr().String())
	if err != nil || info.Mode().Perm() != 0o777 {
		t.Errorf("got %v, %v, want mode 0777", info.Mode(), err)
	}
	for _, l := range all {
		l.Close()
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestOneThatFailsClosesAll(t *testing.T) {
	dir := t.TempDir()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, err = Listen(t.Context(), []Address{{"unix", dir + "/.s.PGSQL.1"}, {"tcp", "127.0.0.1:0"}, {"tcp", taken.Addr().String()}})
	if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), taken.Addr().String()) {
		t.Errorf("got %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// stale leaves a socket file that nobody answers on.
func stale(t *testing.T, path string) {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
}

func TestUnixSocketInTheWay(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".s.PGSQL.6432")
	stale(t, path)
	l, err := listenUnix(t.Context(), path)
	if err != nil {
		t.Fatalf("a stale socket: %v", err)
	}
	if _, err := listenUnix(t.Context(), path); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a socket in use: got %v", err)
	}
	answers(t, l)
	l.Close()
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := listenUnix(t.Context(), path); err == nil {
		t.Error("a file was taken for a socket")
	}
	if b, _ := os.ReadFile(path); string(b) != "x" {
		t.Error("the file has changed")
	}
	if _, err := listenUnix(t.Context(), "/"+strings.Repeat("x", 200)); err == nil {
		t.Error("a path that is too long was taken")
	}
	if _, err := listenUnix(t.Context(), filepath.Join(filepath.Dir(path), "no", "such")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder that isn't there: got %v", err)
	}
}

// Of many that start at the same time on a stale socket, exactly one gets it.
func TestRaceForAStaleSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	for range 20 {
		stale(t, path)
		var wait sync.WaitGroup
		got := make(chan net.Listener, 8)
		for range cap(got) {
			wait.Go(func() {
				if l, err := listenUnix(context.Background(), path); err == nil {
					got <- l
				}
			})
		}
		wait.Wait()
		if len(got) != 1 {
			t.Fatalf("%d got it", len(got))
		}
		l := <-got
		answers(t, l)
		l.Close()
	}
}
