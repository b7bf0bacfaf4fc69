// Package sockets opens the sockets that PgOwl listens on, TCP and unix. It knows addresses and files, and nothing of what is served.
package sockets
