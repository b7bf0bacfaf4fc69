// Package pgtest gives tests a real Postgres: a private throw-away server per test binary, and an empty database per test.
// Nothing of it is used outside of tests.
package pgtest
