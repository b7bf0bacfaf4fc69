package ops

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pgowl/pgowl/integration/pgtest"
)

// PgOwl takes sockets the way that systemd hands them over, and says when it serves.
func TestSocketActivation(t *testing.T) {
	url := pgtest.Start(t).Database(t)
	dir, err := os.MkdirTemp("", "owl") // a unix socket's path has to be short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer notify.Close()
	listen := func() (*os.File, string) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		f, err := l.(*net.TCPListener).File()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f, l.Addr().String()
	}
	web, webAddress := listen()
	sql, sqlAddress := listen()
	// The shell's process becomes PgOwl's, so that the number is right.
	cmd := exec.Command("sh", "-c", "LISTEN_PID=$$ exec "+binary(t)+" serve")
	cmd.ExtraFiles = []*os.File{web, sql}
	cmd.Env = append(os.Environ(), "PGOWL_UPSTREAM="+url, "PGOWL_LISTEN=127.0.0.1:1", "PGOWL_HTTP=127.0.0.1:1", "PGOWL_DATA="+t.TempDir(),
		"LISTEN_FDS=2", "LISTEN_FDNAMES=http:pgowl.socket", "NOTIFY_SOCKET="+filepath.Join(dir, "notify"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cmd.Process.Kill()
		cmd.Wait()
	}()
	notify.SetReadDeadline(time.Now().Add(patience))
	b := make([]byte, 1000)
	n, err := notify.Read(b)
	if err != nil || !strings.Contains(string(b[:n]), "READY=1") {
		t.Fatalf("notified: %q, %v", b[:n], err)
	}
	if got := one(t, connect(t, through(url, sqlAddress)), "SELECT 1"); got != "1" {
		t.Errorf("got %s", got)
	}
	if status, body := get("http://" + webAddress + "/ready"); status != 200 {
		t.Errorf("ready: %d %s", status, body)
	}
}
