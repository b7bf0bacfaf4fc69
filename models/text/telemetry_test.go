package text

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// silentVariable makes the test's program a process that loads ONNX Runtime, embeds a text and ends.
const silentVariable = "PGOWL_TEST_SILENT"

func embedOnce() int {
	folders := strings.Split(os.Getenv(silentVariable), "\n")
	s := NewStore(StoreOptions{Dir: folders[0], Library: folders[1]})
	defer s.Close()
	if _, err := s.Embed(context.Background(), "one", []string{"hello"}, EmbedOptions{}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// TestSilent: ONNX Runtime's telemetry leaves no trace in the home of whoever runs PgOwl, where it keeps an identifier and what it is about to send.
func TestSilent(t *testing.T) {
	dir, home := t.TempDir(), t.TempDir()
	tiny().write(t, filepath.Join(dir, "one"))
	c := exec.Command(os.Args[0])
	c.Env = []string{silentVariable + "=" + dir + "\n" + library(t), "HOME=" + home, "TMPDIR=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "LD_LIBRARY_PATH=" + os.Getenv("LD_LIBRARY_PATH")}
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
		if path != home {
			t.Errorf("there is %s now", path)
		}
		return err
	})
}
