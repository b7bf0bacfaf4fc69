// Package sockets opens the sockets that PgOwl listens on, TCP and unix, takes over those that systemd or another PgOwl opened, and hands
// them on to the next one. It knows addresses, files and processes, and nothing of what is served.
package sockets
