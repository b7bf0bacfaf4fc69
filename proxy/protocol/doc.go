// Package protocol is what everything that moves messages has to know of the frontend/backend protocol, version 3: how a message is
// framed, and which reply comes next. It does no I/O.
package protocol
