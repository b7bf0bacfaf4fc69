// Package clients plays the story of integration/story through the clients that people have: psql, pgx (each of its ways to
// send a statement), SQLAlchemy with psycopg, and node-postgres, against bin/pgowl as a process of its own; and it holds the
// binary's refusals, over SQL, over HTTP and at its start, against their texts and codes. There are tests only.
package clients
