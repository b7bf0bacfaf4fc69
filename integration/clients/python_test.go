package clients

import (
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/integration/child"
)

// sources is the folder of the packages whose tests are in their source distributions only.
func sources(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(needClient(t, "CLIENT_SOURCES"), name)
	if _, err := os.Stat(dir); err != nil {
		t.Fatalf("%v: make setup-tests fetches it", err)
	}
	return dir
}

// pytest is a suite of a Python package that runs by pytest, from a copy of the package's source.
func pytest(t *testing.T, r *rig, name string, atLeast int, arguments ...string) suite {
	t.Helper()
	python := needClient(t, "CLIENT_PYTHON")
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(sources(t, name))); err != nil {
		t.Fatal(err)
	}
	// The tests are run against the installed package, not against its source.
	for _, folder := range []string{"src", name} {
		if err := os.RemoveAll(filepath.Join(dir, folder)); err != nil {
			t.Fatal(err)
		}
	}
	return suite{name: name, atLeast: atLeast, retries: 2, run: func(t *testing.T, to side, only []string) outcomes {
		t.Helper()
		report := filepath.Join(dir, "report.xml")
		args := []string{"-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", "-o", "junit_family=xunit1", "--junitxml=" + report}
		if len(only) > 0 {
			args = append(args, only...)
		} else {
			args = append(args, arguments...)
		}
		cmd := exec.CommandContext(t.Context(), python, args...)
		cmd.Dir = dir
		cmd.Env = append(child.WithoutPrefix(os.Environ(), "PG"),
			"PGHOST="+to.host, "PGPORT="+to.port, "PGUSER=postgres", "PGDATABASE="+database, "PGPASSWORD=pw")
		out, err := cmd.CombinedOutput()
		keep(t, name+"-"+to.name, string(out))
		got, parseErr := readReport(report)
		if parseErr != nil {
			t.Fatalf("%s's tests, %s: %v, %v\n%s", name, to.name, err, parseErr, lastLines(string(out), 40))
		}
		return got
	}}
}

// readReport reads pytest's XML and gives the outcomes by the tests' ids, as pytest takes them.
func readReport(path string) (outcomes, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	defer os.Remove(path)
	var report struct {
		Suites []struct {
			Cases []struct {
				File    string    `xml:"file,attr"`
				Class   string    `xml:"classname,attr"`
				Name    string    `xml:"name,attr"`
				Failure *struct{} `xml:"failure"`
				Error   *struct{} `xml:"error"`
				Skipped *struct{} `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(text, &report); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	got := outcomes{}
	for _, s := range report.Suites {
		for _, c := range s.Cases {
			module := strings.ReplaceAll(strings.TrimSuffix(c.File, ".py"), "/", ".")
			id := c.File
			if class := strings.TrimPrefix(strings.TrimPrefix(c.Class, module), "."); class != "" {
				id += "::" + strings.ReplaceAll(class, ".", "::")
			}
			id += "::" + c.Name
			switch {
			case c.Failure != nil || c.Error != nil:
				got[id] = failed
			case c.Skipped != nil:
				got[id] = skipped
			default:
				got[id] = passed
			}
		}
	}
	return got, nil
}

// TestAsyncpg runs asyncpg's own tests, but for those of its code's style, and two that want an answer within a quarter and a
// tenth of a second, whatever else the machine does: at a load of 55 the second one's connect took 290 to 740 ms directly
// and 150 to 780 ms through PgOwl.
func TestAsyncpg(t *testing.T) {
	r := suitesRig(t)
	files := []string{"tests"}
	if os.Getenv("CLIENT_SUITES") != "all" {
		files = nil
		for _, name := range []string{"cache_invalidation", "cancellation", "codecs", "copy", "cursor", "exceptions", "execute", "introspection",
			"listeners", "logging", "prepare", "record", "transaction", "types"} {
			files = append(files, "tests/test_"+name+".py")
		}
	}
	pytest(t, r, "asyncpg", 100, append(files, "--deselect", "tests/test__sourcecode.py",
		"--deselect", "tests/test_introspection.py::TestIntrospection::test_introspection_on_large_db",
		"--deselect", "tests/test_pool.py::TestPool::test_pool_remote_close")...).compare(t, r)
}

// TestPg8000 runs pg8000's own tests, but for benchmarks and log-ins by rules of pg_hba.conf.
func TestPg8000(t *testing.T) {
	r := suitesRig(t)
	args, atLeast := []string{"test/native"}, 150
	if os.Getenv("CLIENT_SUITES") == "all" {
		args, atLeast = append(args, "test/dbapi", "test/legacy"), 550
	}
	for _, name := range []string{"native", "dbapi", "legacy"} {
		args = append(args, "--ignore=test/"+name+"/auth", "--ignore=test/"+name+"/test_benchmarks.py")
	}
	pytest(t, r, "pg8000", atLeast, args...).compare(t, r)
}
