package clients

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/integration/child"
)

// Django's test applications that ask most of a database; make test has time for the first ones.
var (
	djangoFew  = []string{"backends", "transactions"}
	djangoMore = []string{"postgres_tests", "bulk_create", "select_for_update", "constraints", "introspection", "schema", "migrations", "queries", "expressions", "expressions_window", "aggregation", "annotations",
		"db_functions", "model_fields", "indexes", "get_or_create", "delete", "update", "atomic_requests", "inspectdb", "lookup", "ordering",
		"raw_query", "test_utils", "transaction_hooks", "async", "composite_pk", "custom_lookups", "datatypes", "db_typecasts", "fixtures",
		"many_to_many", "many_to_one", "multiple_database", "prefetch_related", "timezones", "unmanaged_models", "update_only_fields"}
)

// TestDjango runs tests of Django's own on a database that PgOwl serves, and its second database beside it.
func TestDjango(t *testing.T) {
	python := needClient(t, "CLIENT_PYTHON")
	r := suitesRig(t)
	source := sources(t, "django")
	labels := djangoFew
	if os.Getenv("CLIENT_SUITES") == "all" {
		labels = append(labels[:len(labels):len(labels)], djangoMore...)
	}
	suite{name: "Django", atLeast: 200, retries: 2, run: func(t *testing.T, to side, only []string) outcomes {
		t.Helper()
		execute(t, r.server.URL(database), "DROP DATABASE IF EXISTS django_other WITH (FORCE)")
		report := filepath.Join(t.TempDir(), "report")
		args := []string{filepath.Join(source, "tests", "runtests.py"), "--settings=django_settings", "--keepdb", "--noinput", "--parallel=1", "-v", "0"}
		if len(only) > 0 {
			labels = only
		}
		cmd := exec.CommandContext(t.Context(), python, append(args, labels...)...)
		cmd.Dir = filepath.Join(source, "tests")
		cmd.Env = append(child.WithoutPrefix(os.Environ(), "PG"), "PYTHONPATH="+source+":"+testdata(t, "."), "PYTHONDONTWRITEBYTECODE=1",
			"DJANGO_HOST="+to.host, "DJANGO_PORT="+to.port, "DJANGO_REPORT="+report)
		out, err := cmd.CombinedOutput()
		keep(t, "django-"+to.name, string(out))
		text, readErr := os.ReadFile(report)
		if readErr != nil {
			t.Fatalf("Django's tests, %s: %v\n%s", to.name, err, lastLines(string(out), 40))
		}
		got := outcomes{}
		for line := range strings.Lines(string(text)) {
			verdict, name, _ := strings.Cut(strings.TrimSpace(line), " ")
			if got[name] != failed { // a subtest's failure is the test's
				got[name] = verdict
			}
		}
		return got
	}}.compare(t, r)
}
