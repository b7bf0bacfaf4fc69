// Package ops tests how PgOwl is run: where it listens and connects, its limits, how it stops, reloads and restarts, what it counts and logs.
package ops
