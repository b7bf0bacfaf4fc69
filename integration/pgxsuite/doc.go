// Package pgxsuite runs pgx's own test suite, which nobody here wrote, twice: straight at a Postgres and through PgOwl in front of it.
// Test by test the two have to come out the same, over TCP, TLS and a Unix socket, with every kind of log-in that the suite knows.
package pgxsuite
