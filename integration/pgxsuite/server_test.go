package pgxsuite

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/integration/pgtest"
)

// password is every role's.
const password = "secret"

// rules are pgx's testsetup/pg_hba.conf. Roles that have to use TLS are refused without it, since what follows here lets everybody in. The
// certificate map is what a server needs that lets PgOwl speak for roles that log in by certificate.
var rules = []string{
	"host all pgx_md5 127.0.0.1/32 md5",
	"host all pgx_scram 127.0.0.1/32 scram-sha-256",
	"host all pgx_pw 127.0.0.1/32 password",
	"hostssl all pgx_ssl 127.0.0.1/32 scram-sha-256",
	"host all pgx_ssl 127.0.0.1/32 reject",
	"hostssl all pgx_sslcert 127.0.0.1/32 cert map=pgx",
	"host all pgx_sslcert 127.0.0.1/32 reject",
}

const certificateMap = "pgx pgx_sslcert pgx_sslcert\npgx pgowl pgx_sslcert\n"

// setup is pgx's testsetup/postgresql_setup.sql, less the user who runs the tests.
var setup = []string{
	"CREATE ROLE pgx_ssl LOGIN SUPERUSER PASSWORD 'secret'",
	"CREATE ROLE pgx_sslcert LOGIN SUPERUSER PASSWORD 'secret'",
	"SET password_encryption = md5",
	"CREATE ROLE pgx_md5 LOGIN SUPERUSER PASSWORD 'secret'",
	"SET password_encryption = 'scram-sha-256'",
	"CREATE ROLE pgx_pw LOGIN SUPERUSER PASSWORD 'secret'",
	"CREATE ROLE pgx_scram LOGIN SUPERUSER PASSWORD 'secret'",
	`CREATE ROLE " tricky, ' } "" \ test user " LOGIN SUPERUSER PASSWORD 'secret'`,
	"CREATE DATABASE pgx_test",
}

// of each database
var setupDatabase = []string{"CREATE EXTENSION hstore", "CREATE EXTENSION ltree", "CREATE DOMAIN uint64 AS numeric(20,0)"}

// startServer gives a Postgres as the suite wants it. Every side of every run gets a copy of its database pgx_test.
func startServer(t *testing.T, c certificates) *pgtest.Server {
	t.Helper()
	options := []pgtest.Option{
		pgtest.Setting("ssl", "on"), pgtest.Setting("ssl_cert_file", "own.crt"), pgtest.Setting("ssl_key_file", "own.key"), pgtest.Setting("ssl_ca_file", "ca.crt"),
		pgtest.File("own.crt", c.server.cert), pgtest.File("own.key", c.server.key), pgtest.File("ca.crt", c.ca), pgtest.File("pg_ident.conf", certificateMap),
	}
	for _, rule := range rules {
		options = append(options, pgtest.HBA(rule))
	}
	s := pgtest.Start(t, options...)
	execute(t, s.URL("postgres"), setup...)
	execute(t, s.URL("pgx_test"), setupDatabase...)
	return s
}

func execute(t *testing.T, url string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, sql := range statements {
		if _, err := conn.Exec(context.Background(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}
