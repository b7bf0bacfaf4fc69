package pgxsuite

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/integration/pgtest"
)

const suite = "github.com/jackc/pgx/v5"

// program is the compiled tests of one of pgx's packages.
type program struct {
	name  string // the package below the module: "pgx" for the module's own
	path  string
	dir   string // of its source, where its tests expect to run
	talks bool   // to a server; the others come out the same whatever is set
	skip  string // pattern of tests that are left out
}

// built is what TestMain compiles for all tests.
var built struct {
	programs  []program
	owl       string // PgOwl
	test2json string // go's own reader of test output
}

func TestMain(m *testing.M) {
	code := func() int {
		dir, err := os.MkdirTemp("", "pgxsuite-*")
		if err == nil {
			defer os.RemoveAll(dir)
			err = build(dir)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer pgtest.StopShared()
		return m.Run()
	}()
	os.Exit(code)
}

// build compiles each of pgx's test programs once, and PgOwl, into dir.
func build(dir string) error {
	built.owl = filepath.Join(dir, "pgowl")
	if _, err := command("go", "build", "-o", built.owl, "../.."); err != nil {
		return err
	}
	list, err := command("go", "list", "-f", `{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{"\t"}}{{.Dir}}{{end}}`, suite+"/...")
	if err != nil {
		return err
	}
	args := []string{"test", "-c", "-o", dir + string(filepath.Separator)}
	for line := range strings.Lines(list) {
		importPath, source, _ := strings.Cut(strings.TrimSpace(line), "\t")
		talks, err := mentionsServer(source)
		if err != nil {
			return err
		}
		name := path.Join("pgx", strings.TrimPrefix(importPath, suite))
		built.programs = append(built.programs, program{name: name, path: filepath.Join(dir, path.Base(name)+".test"), dir: source, talks: talks})
		args = append(args, importPath)
	}
	if _, err := command("go", args...); err != nil {
		return err
	}
	for _, p := range built.programs {
		if _, err := os.Stat(p.path); err != nil {
			return err
		}
	}
	built.test2json, err = command("go", "tool", "-n", "test2json")
	built.test2json = strings.TrimSpace(built.test2json)
	return err
}

// mentionsServer reports whether the tests in a folder read where their server is.
func mentionsServer(dir string) (bool, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		return false, err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return false, err
		}
		if bytes.Contains(text, []byte("PGX_TEST_")) {
			return true, nil
		}
	}
	return false, nil
}

// command runs a program and gives what it wrote to its standard output.
func command(name string, args ...string) (string, error) {
	var stderr bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, args[0], err, stderr.String())
	}
	return string(out), nil
}
