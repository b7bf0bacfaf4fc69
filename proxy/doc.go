// Package proxy owns the wire: it listens, relays start-up and authentication, and moves messages between a frontend and its
// own backend. It forwards what is not ours without looking inside, and keeps for each session an ordered queue of the replies that
// are still expected, so that statements of ours, pipelined among others, are answered in their place. It knows the protocol and
// nothing of what the statements mean: that is package exec's.
//
// A session is two goroutines, its pumps. The frontend's pump reads from the client: it alone decides what is sent to the
// server, and notes in the queue what will come back. The backend's pump reads from the server: it alone takes from the queue. A
// statement that needs more than one exchange is driven by the frontend's pump, which waits for the backend's. A session at rest whose
// connections are plain is handed to a driver instead (drive.go), which does the work of both pumps until a statement of ours comes.
//
// Authentication that cannot be relayed is package auth's, server connections that are shared are package pool's, and listening
// sockets are package sockets'.
package proxy
