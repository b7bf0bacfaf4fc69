package pgtest

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestMain(m *testing.M) { Main(m) }

func query(t *testing.T, url, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var got string
	if err := conn.QueryRow(context.Background(), sql).Scan(&got); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return got
}

func TestEachTestGetsAnEmptyDatabase(t *testing.T) {
	a, b := Database(t), Database(t)
	if a == b {
		t.Fatalf("the same database twice: %s", a)
	}
	if got := query(t, a, "select count(*)::text from pg_class where relnamespace = 'public'::regnamespace"); got != "0" {
		t.Errorf("relations in a new database: got %s, want 0", got)
	}
}

func TestFaultsKeepPortAndData(t *testing.T) {
	s := Start(t, Setting("work_mem", "5MB"))
	port := s.Port()
	if got := query(t, s.URL("postgres"), "show work_mem"); got != "5MB" {
		t.Errorf("work_mem: got %s, want 5MB", got)
	}
	url := s.Database(t)
	s.Kill()
	if _, err := pgx.Connect(context.Background(), url); err == nil {
		t.Error("a killed server took a connection")
	}
	s.Restart(t)
	if s.Port() != port {
		t.Errorf("port after the restart: got %d, want %d", s.Port(), port)
	}
	query(t, url, "select 'still here'")
}

func TestHBA(t *testing.T) {
	s := Start(t, HBA("host all all 127.0.0.1/32 reject"))
	if _, err := pgx.Connect(context.Background(), s.URL("postgres")); err == nil {
		t.Error("the rule was not applied")
	}
}

func TestFile(t *testing.T) {
	s := Start(t, File("more.conf", "work_mem = '6MB'\n"), File("pg_ident.conf", "# mine\n"))
	if got := query(t, s.URL("postgres"), "select pg_read_file('more.conf') || pg_read_file('pg_ident.conf')"); got != "work_mem = '6MB'\n# mine\n" {
		t.Errorf("the files as the server reads them: %q", got)
	}
}
