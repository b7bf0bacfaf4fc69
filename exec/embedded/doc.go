// Package embedded runs Postgres servers that belong to this process: it finds (or fetches) the binaries, makes a data
// directory, starts the server as a user that is allowed to run it, and stops it again. Start gives PgOwl's own private
// server with persistent data; Cluster is the part below it, which tests use for throw-away servers. It never speaks SQL.
package embedded
