package embedded

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

// dataFolder is a folder that the server's user reaches; testing's own is closed to others.
func dataFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pgowl-embedded-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func start(t *testing.T, data string) *Server {
	t.Helper()
	s, err := Start(t.Context(), Options{Data: data})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

func query(t *testing.T, url, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var got string
	if err := conn.QueryRow(t.Context(), sql).Scan(&got); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return got
}

func TestDataOutlastTheProcess(t *testing.T) {
	data := dataFolder(t)
	s := start(t, data)
	conn, err := pgx.Connect(t.Context(), s.URL())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "create table kept as select 7 as n"); err != nil {
		t.Fatal(err)
	}
	conn.Close(t.Context())

	if _, err := Start(t.Context(), Options{Data: data}); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second server on the same folder: got error %v, want one that says it is in use", err)
	}
	url := s.URL()
	s.Stop()
	s.Stop()
	if _, err := pgx.Connect(t.Context(), url); err == nil {
		t.Error("the server still takes connections after Stop")
	}
	s = start(t, data)
	if got := query(t, s.URL(), "select n::text from kept"); got != "7" {
		t.Errorf("after a restart: got %s, want 7", got)
	}
}

func TestPasswordIsNeededAndPrivate(t *testing.T) {
	data := dataFolder(t)
	s := start(t, data)
	wrong := strings.Replace(s.URL(), s.Password(), "wrong", 1)
	if _, err := pgx.Connect(t.Context(), wrong); err == nil || !strings.Contains(err.Error(), "28P01") {
		t.Errorf("a wrong password: got error %v, want 28P01", err)
	}
	info, err := os.Stat(filepath.Join(data, "postgres.password"))
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("mode of the password file: got %o, want 600", got)
	}
	socket := "postgres://postgres:" + s.Password() + "@/postgres?host=" + s.SocketDir() + "&port=" + strconv.Itoa(s.Port())
	if got := query(t, socket, "select 'ok'"); got != "ok" {
		t.Errorf("over the Unix socket: got %s", got)
	}
}

func TestStartAfterACrash(t *testing.T) {
	t.Run("the server died with us", func(t *testing.T) {
		data := dataFolder(t)
		s := start(t, data)
		s.cluster.Kill()
		s.Stop()
		query(t, start(t, data).URL(), "select 'ok'")
	})
	t.Run("the server lives on as an orphan", func(t *testing.T) {
		data := dataFolder(t)
		s := start(t, data)
		orphan := s.cluster.proc
		s.cluster.proc = nil
		s.Stop()
		query(t, start(t, data).URL(), "select 'ok'")
		<-orphan.done
	})
	t.Run("another program has the number by now", func(t *testing.T) {
		data := dataFolder(t)
		s := start(t, data)
		s.Stop()
		pid := strconv.Itoa(os.Getpid()) + "\n"
		if err := os.WriteFile(filepath.Join(data, "postgres", "postmaster.pid"), []byte(pid+filepath.Join(data, "postgres")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		query(t, start(t, data).URL(), "select 'ok'")
	})
	t.Run("initdb was cut off", func(t *testing.T) {
		data := dataFolder(t)
		if err := os.MkdirAll(filepath.Join(data, "postgres.new", "base"), 0o700); err != nil {
			t.Fatal(err)
		}
		query(t, start(t, data).URL(), "select 'ok'")
	})
}

func TestForeignFolderIsLeftAlone(t *testing.T) {
	data := dataFolder(t)
	precious := filepath.Join(data, "postgres", "letters.txt")
	if err := os.MkdirAll(filepath.Dir(precious), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(precious, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if s, err := Start(t.Context(), Options{Data: data}); err == nil {
		s.Stop()
		t.Fatal("started over a folder of somebody else's")
	}
	if _, err := os.Stat(precious); err != nil {
		t.Error(err)
	}
}

func TestUnreachableFolderIsNamed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root's server runs as another user")
	}
	outer := dataFolder(t)
	if err := os.Chmod(outer, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), Options{Data: filepath.Join(outer, "inner")})
	if err == nil || !strings.Contains(err.Error(), "may not enter "+outer) {
		t.Errorf("got error %v, want one that names %s", err, outer)
	}
}

func TestNothingInstalledMeansFetching(t *testing.T) {
	old := places
	places = nil
	defer func() { places = old }()
	t.Setenv("PATH", "/nowhere")
	asked := ""
	gone := errors.New("no network")
	_, err := Start(t.Context(), Options{Data: dataFolder(t), Fetch: func(_ context.Context, dir string) (Binaries, error) {
		asked = dir
		return Binaries{}, gone
	}})
	if !errors.Is(err, gone) || filepath.Base(asked) != "postgres-programs" {
		t.Errorf("got error %v after a fetch into %q", err, asked)
	}
}

func TestEndIsSeen(t *testing.T) {
	s := start(t, dataFolder(t))
	done := s.Done()
	if err := syscall.Kill(s.cluster.Pid(), syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	<-done
	if pid := s.cluster.Pid(); pid != 0 {
		t.Errorf("process id of an ended server: got %d, want 0", pid)
	}
}
