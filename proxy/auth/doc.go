// Package auth proves who somebody is, at both ends of PgOwl: it authenticates clients from a users file, by client certificate or by
// asking for the password (Authenticator.Accept), and proves a secret to the server behind (Prove). It acts between a start-up
// message and AuthenticationOk; what is relayed between client and server needs nothing of it. It reads exactly the bytes of the
// messages that it handles, so that whoever owns the connection goes on from there.
//
// SCRAM is written here, from RFC 5802, RFC 7677 and RFC 5929, since a library's client and server each keep to themselves what is
// needed to log in at the server with the keys that a client's own log-in has shown.
package auth
