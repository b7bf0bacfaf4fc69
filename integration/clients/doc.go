// Package clients looks at PgOwl through the clients that people have, with bin/pgowl as a process of its own. The story of
// integration/story is played through psql, pgx (each of its ways to send a statement), SQLAlchemy with psycopg, and node-postgres.
// Whole suites run twice, on the server itself and through PgOwl, and must come to the same check by check: the own tests of lib/pq,
// asyncpg, pg8000 and Django, and written ones for node-postgres, postgres.js, knex and pgjdbc, these also over TLS and through a
// transaction pool. Mapped classes of SQLAlchemy and Django, and psycopg, keep tables that embed and predict by themselves, and must see
// what a plain server with stand-ins for the functions shows. It also holds the binary's refusals, over SQL, over HTTP and at its start,
// against their texts and codes. There are tests only.
package clients
