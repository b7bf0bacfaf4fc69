package clients

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgowl/pgowl/integration/pgtest"
	"github.com/pgowl/pgowl/integration/story"
)

// TestStoryOnADatabaseOfSomebodyElses plays the story as it is on a managed Postgres: the server was there before, asks for
// passwords, and nobody is a superuser. The application's role is not the service connection's.
func TestStoryOnADatabaseOfSomebodyElses(t *testing.T) {
	needParts(t)
	s := pgtest.Start(t, pgtest.Password("super secret"))
	super, err := pgx.Connect(t.Context(), withUser(t, s.URL("postgres"), "postgres", "super secret"))
	if err != nil {
		t.Fatal(err)
	}
	defer super.Close(t.Context())
	for _, sql := range []string{
		`CREATE ROLE owl LOGIN PASSWORD 'o'`,
		`CREATE ROLE app LOGIN PASSWORD 'a' CREATEROLE`,
		`CREATE ROLE ` + story.WebRole + ` NOLOGIN`,
		`GRANT ` + story.WebRole + ` TO owl`,
		`CREATE DATABASE shop OWNER app`,
		`GRANT CREATE ON DATABASE shop TO owl`,
	} {
		if _, err := super.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	shop := s.URL("shop")
	o, err := startOwl("PGOWL_DATA="+t.TempDir(), "PGOWL_JWT_SECRET="+jwtSecret,
		"PGOWL_UPSTREAM="+withUser(t, shop, "", ""), "PGOWL_SERVICE="+withUser(t, shop, "owl", "o"), "PGPASSFILE="+passfile(t, s, "app", "a"))
	if err != nil {
		t.Fatal(err)
	}
	defer o.process.Stop(limit)
	o.url = fmt.Sprintf("postgres://app:a@%s/shop?sslmode=disable", o.sql)
	o.owner = withUser(t, shop, "postgres", "super secret")
	// As with the extensions, whoever installed them says who may schedule and who may read the registry.
	owl, err := pgx.Connect(t.Context(), withUser(t, shop, "owl", "o"))
	if err != nil {
		t.Fatal(err)
	}
	defer owl.Close(t.Context())
	if _, err := owl.Exec(t.Context(), `GRANT USAGE ON SCHEMA cron TO app; GRANT SELECT ON ALL TABLES IN SCHEMA pgml TO app`); err != nil {
		t.Fatal(err)
	}
	c := pgxClient{o.connect(t), pgx.QueryExecModeCacheStatement}
	play(t, o, c)
	shapes(t, c)
	var superuser bool
	if err := c.conn.QueryRow(t.Context(), `SELECT bool_or(rolsuper) FROM pg_roles WHERE rolname IN ('owl', 'app')`).Scan(&superuser); err != nil || superuser {
		t.Errorf("superuser %v, %v", superuser, err)
	}
}

func withUser(t *testing.T, server, user, password string) string {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.User = nil
	if user != "" {
		u.User = url.UserPassword(user, password)
	}
	return u.String()
}

// passfile is a password file, where scheduled jobs' roles have their passwords.
func passfile(t *testing.T, s *pgtest.Server, user, password string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pgpass")
	if err := os.WriteFile(path, fmt.Appendf(nil, "127.0.0.1:%d:*:%s:%s\n", s.Port(), user, password), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
