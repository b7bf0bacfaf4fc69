package auth

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/pgowl/pgowl/proxy/protocol"
)

// The codes of authentication requests (manual, "Message Formats").
const (
	requestOK           = 0
	requestCleartext    = 3
	requestMD5          = 5
	requestSASL         = 10
	requestSASLContinue = 11
	requestSASLFinal    = 12
)

// requestNames are of those that nobody answers here.
var requestNames = map[uint32]string{2: "Kerberos V5", 4: "crypt", 6: "SCM credentials", 7: "GSSAPI", 8: "GSSAPI", 9: "SSPI"}

const (
	maxToken = 65535 // Postgres' PG_MAX_AUTH_TOKEN_LENGTH: more is no password and no SASL message
)

// ReadMessage reads one message of a log-in, 64 kB at most, and nothing of what follows it; the result has the header.
func ReadMessage(r io.Reader) ([]byte, error) {
	head := make([]byte, protocol.HeaderSize, 128)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[1:])
	if size < 4 || size > maxToken {
		return nil, fmt.Errorf("message %q of %d bytes while authenticating", head[0], size)
	}
	message := append(head, make([]byte, size-4)...)
	_, err := io.ReadFull(r, message[protocol.HeaderSize:])
	return message, err
}

// request makes an authentication request.
func request(code uint32, data []byte) []byte {
	return protocol.Append(nil, 'R', append(binary.BigEndian.AppendUint32(nil, code), data...))
}

// mechanisms makes an AuthenticationSASL of names.
func mechanisms(names ...string) []byte {
	var data []byte
	for _, name := range names {
		data = append(append(data, name...), 0)
	}
	return request(requestSASL, append(data, 0))
}

// watch makes a connection's reads and writes end with ctx. release tells whether they still work.
func watch(ctx context.Context, conn net.Conn) (release func() error) {
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	return func() error {
		if !stop() {
			return context.Cause(ctx)
		}
		return nil
	}
}
