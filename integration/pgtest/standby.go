package pgtest

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/pgowl/pgowl/exec/embedded"
)

// Standby gives a streaming hot standby of the server, which is stopped when the test ends. The test is skipped where the server's programs come
// without pg_basebackup.
func (s *Server) Standby(tb testing.TB) *Server {
	tb.Helper()
	program := s.cluster.Binaries.Program("pg_basebackup")
	if _, err := os.Stat(program); err != nil {
		tb.Skipf("no pg_basebackup beside the server: %v", err)
	}
	root, lock, err := makeRoot()
	if err != nil {
		tb.Fatalf("pgtest: %v", err)
	}
	standby := &Server{root: root, lock: lock, cluster: &embedded.Cluster{
		Binaries:  s.cluster.Binaries,
		Dir:       filepath.Join(root, "data"),
		SocketDir: root,
		LogFile:   filepath.Join(root, "log"),
		Settings:  s.cluster.Settings,
		Orphan:    syscall.SIGQUIT,
	}}
	tb.Cleanup(standby.Remove)
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "-h", "127.0.0.1", "-p", strconv.Itoa(s.Port()), "-U", "postgres", "-D", standby.cluster.Dir, "-R", "-X", "stream", "-c", "fast")
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("pgtest: pg_basebackup: %v\n%s", err, out)
	}
	if err := giveAway(s.cluster.Dir, standby.cluster.Dir); err != nil {
		tb.Fatalf("pgtest: %v", err)
	}
	if err := standby.cluster.Start(ctx); err != nil {
		tb.Fatalf("pgtest: standby: %v", err)
	}
	return standby
}

// giveAway gives a folder to another one's owner: root's servers run as somebody else.
func giveAway(like, dir string) error {
	info, err := os.Stat(like)
	if err != nil {
		return err
	}
	owner := info.Sys().(*syscall.Stat_t)
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(owner.Uid), int(owner.Gid))
	})
}
