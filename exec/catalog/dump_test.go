package catalog

import (
	"bytes"
	"fmt"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/integration/pgtest"
)

// A catalog that was dumped and restored is the same catalog: nothing to migrate, and DROP EXTENSION still knows what is whose.
func TestCatalogSurvivesDumpAndRestore(t *testing.T) {
	dump, psql := tool(t, "pg_dump"), tool(t, "psql")
	from, to := pgtest.Database(t), pgtest.Database(t)
	conn := connect(t, from)
	migrateOK(t, conn)
	if _, err := conn.Exec(t.Context(), do(`create_extension('pgml', false)`)); err != nil {
		t.Fatal(err)
	}
	script, err := runTool(dump, nil, from)
	if err != nil && strings.Contains(err.Error(), "server version mismatch") {
		t.Skip(err) // this server is newer than pg_dump
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := runTool(psql, script, "-X", "-q", "-v", "ON_ERROR_STOP=1", to); err != nil {
		t.Fatal(err)
	}
	restored := connect(t, to)
	if res := migrateOK(t, restored); len(res.Applied)+len(res.Skipped) != 0 {
		t.Errorf("after the restore: %+v", res)
	}
	if _, err := restored.Exec(t.Context(), do(`drop_extension('pgml', false, false)`)); err != nil {
		t.Error(err)
	}
}

// tool finds a client program of Postgres or skips the test: a server's binaries may come without them.
func tool(t *testing.T, name string) string {
	t.Helper()
	if path, err := osexec.LookPath(name); err == nil {
		return path
	}
	if list, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name); len(list) > 0 {
		return list[len(list)-1]
	}
	t.Skip(name + " is not installed")
	return ""
}

// runTool runs a program with its input and gives its output.
func runTool(program string, input []byte, args ...string) ([]byte, error) {
	cmd := osexec.Command(program, args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &out, &errs
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w: %s", program, err, errs.String())
	}
	return out.Bytes(), nil
}
