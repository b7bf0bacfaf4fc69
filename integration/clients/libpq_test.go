package clients

import (
	"database/sql"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lib/pq"

	"github.com/pgowl/pgowl/integration/child"
)

// goVerdict is a line of go test -v.
var goVerdict = regexp.MustCompile(`(?m)^\s*--- (PASS|FAIL|SKIP): (\S+) \(`)

// rulesOfTLS are tests that want hostssl and cert rules of pg_hba.conf to see the client's own TLS, which ends in PgOwl.
const rulesOfTLS = "^(TestSSLMode|TestSSLVersion|TestSSLClientCertificates|TestSSLClientCertificateIntermediate)$"

// libpqSuite runs lib/pq's own tests, built from the module, on a copy of its folder: they write into it.
func libpqSuite(t *testing.T, r *rig, variant string, env ...string) suite {
	t.Helper()
	source := moduleFolder(t, "github.com/lib/pq")
	program := filepath.Join(r.dir, "pq.test")
	if _, err := os.Stat(program); err != nil {
		if out, err := exec.Command("go", "test", "-c", "-o", program, "github.com/lib/pq").CombinedOutput(); err != nil {
			t.Fatalf("go test -c: %v\n%s", err, out)
		}
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(source)); err != nil {
		t.Fatal(err)
	}
	return suite{name: "lib/pq" + variant, atLeast: 720, retries: 2, run: func(t *testing.T, to side, only []string) outcomes {
		t.Helper()
		got := outcomes{}
		run := func(args ...string) string {
			cmd := exec.CommandContext(t.Context(), program, args...)
			cmd.Dir = dir
			cmd.Env = append(child.WithoutPrefix(os.Environ(), "PG"), "PGHOST="+to.host, "PGPORT="+to.port, "PGDATABASE="+database, "PGUSER=pqgo")
			cmd.Env = append(cmd.Env, env...)
			out, _ := cmd.CombinedOutput() // its exit status says whether a test failed, and so do the lines
			return string(out)
		}
		left := map[string]bool{}
		for _, name := range only {
			top, _, _ := strings.Cut(name, "/")
			left[top] = true
		}
		if len(only) == 0 { // the examples want a server at the standard port
			for _, name := range strings.Fields(run("-test.list", "^Test")) {
				if regexp.MustCompile(rulesOfTLS).MatchString(name) {
					continue
				}
				left[name] = true
			}
		}
		// A test that panics ends all of them; the others then run again without it.
		for len(left) > 0 {
			n := len(left)
			out := run("-test.v", "-test.timeout", limit.String(), "-test.skip", rulesOfTLS, "-test.run", "^("+strings.Join(slices.Sorted(maps.Keys(left)), "|")+")$")
			keep(t, "libpq"+variant+"-"+to.name, out)
			for _, m := range goVerdict.FindAllStringSubmatch(out, -1) {
				got[m[2]] = map[string]string{"PASS": passed, "FAIL": failed, "SKIP": skipped}[m[1]]
				delete(left, m[2])
			}
			if len(left) == n {
				t.Fatalf("lib/pq's tests do not end, %s:\n%s", to.name, lastLines(out, 40))
			}
		}
		return got
	}}
}

func TestLibPQ(t *testing.T) {
	r := suitesRig(t)
	t.Run("own suite", func(t *testing.T) { libpqSuite(t, r, "").compare(t, r) })
	t.Run("own suite, binary parameters", func(t *testing.T) {
		needTime(t)
		libpqSuite(t, r, " (binary parameters)", "PQTEST_BINARY_PARAMETERS=1").compare(t, r)
	})
	t.Run("pgml", func(t *testing.T) {
		db, err := sql.Open("postgres", r.through.owl.url)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		var vector pq.Float32Array
		if err := db.QueryRow(`SELECT pgml.embed('all-MiniLM-L6-v2', $1)`, "Hottest weather in 100 years").Scan(&vector); err != nil || len(vector) != 384 {
			t.Errorf("embed: %d numbers, %v, want 384", len(vector), err)
		}
	})
}

// needTime skips what make test has no time for, and make test-clients has.
func needTime(t *testing.T) {
	t.Helper()
	if os.Getenv("CLIENT_SUITES") != "all" {
		t.Skip("only with CLIENT_SUITES=all, as make test-clients sets it")
	}
}

// keep writes a suite's output where CLIENT_OUT says, for people who look for the cause of a difference.
func keep(t *testing.T, name, out string) {
	t.Helper()
	if dir := os.Getenv("CLIENT_OUT"); dir != "" {
		name = strings.ReplaceAll(name, " ", "-")
		if err := os.WriteFile(filepath.Join(dir, name), []byte(out), 0o644); err != nil {
			t.Log(err)
		}
	}
}

func lastLines(text string, n int) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[max(0, len(all)-n):], "\n")
}
