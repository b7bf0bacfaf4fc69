// Package pool keeps logged-in server connections and lends them to sessions, so that many clients share few of them and a new client
// costs no server process. It acts between a session and the server, and speaks the protocol on both sides: in session mode it
// greets a client and hands out a server connection until the client goes (Lease); in transaction mode it stands in for the
// server (Link), takes a server connection for each transaction, and keeps prepared statements and settings working over all of them.
// Who a client is has been found out before, by package auth; what statements of ours mean is none of its business.
package pool
