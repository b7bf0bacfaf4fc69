// Package startup holds PgOwl against Postgres from a client's first byte to AuthenticationOk, with clients as people have them: psql on
// libpq 15 and, where it is at hand, 18, and pgx; TLS on either hop, every way to log in, and the programs that replicate. It holds
// tests alone.
package startup
