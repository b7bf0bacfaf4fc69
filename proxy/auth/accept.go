package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"net"
	"strings"

	"github.com/pgowl/pgowl/proxy/protocol"
)

// ask asks the client for what its mode and its entry want.
func (a *Authenticator) ask(client net.Conn, user string) (_ Secret, last []byte, err error) {
	e := a.files.Load().users[user]
	switch {
	case a.options.Mode == Password, a.options.Mode == Relay && e == nil:
		return askPassword(client, user)
	case e != nil && e.md5 != "":
		return askMD5(client, user, e)
	case e == nil || e.verifier == nil: // without a verifier the password is empty, and opens nothing
		return askSCRAM(client, user, a.mock(user), nil)
	}
	return askSCRAM(client, user, e.verifier, e)
}

// askPassword asks for the password in clear. Whether it is right is the server's to say.
func askPassword(client net.Conn, user string) (_ Secret, last []byte, err error) {
	if !IsPrivate(client) {
		return Secret{}, nil, &Error{Code: codeNotAllowed, Message: "a password is asked for only inside TLS",
			Detail: "The role is not in PgOwl's users file, and the server cannot be asked to check the log-in as it is."}
	}
	password, err := exchangePassword(client, request(requestCleartext, nil))
	if err != nil {
		return Secret{}, nil, err
	}
	return Secret{Password: password}, nil, nil
}

// askMD5 lets the client show that it knows what an md5 hash was made of.
func askMD5(client net.Conn, user string, e *entry) (_ Secret, last []byte, err error) {
	if !IsPrivate(client) {
		return Secret{}, nil, &Error{Code: codeNotAllowed, Message: "an md5 log-in is taken only inside TLS",
			Detail: "PgOwl's users file has an md5 hash for the role; a password or a SCRAM secret would do without TLS."}
	}
	salt := make([]byte, 4)
	rand.Read(salt)
	answer, err := exchangePassword(client, request(requestMD5, salt))
	if err != nil {
		return Secret{}, nil, err
	}
	if !hmac.Equal([]byte(answer), []byte(md5Answer(e.md5, salt))) {
		return Secret{}, nil, wrongPassword(user)
	}
	s, _ := e.secret()
	return s, nil, nil
}

// exchangePassword sends a request and reads the PasswordMessage that answers it (Postgres' recv_password_packet).
func exchangePassword(client net.Conn, ask []byte) (string, error) {
	if _, err := client.Write(ask); err != nil {
		return "", err
	}
	message, err := ReadMessage(client)
	if err != nil {
		return "", err
	}
	if message[0] != 'p' {
		return "", errorf(codeViolation, "expected password response, got message type %d", message[0])
	}
	password, rest, ok := protocol.CutString(message[protocol.HeaderSize:])
	if !ok || len(rest) > 0 {
		return "", errorf(codeViolation, "invalid password packet size")
	}
	if password == "" {
		return "", errorf(codePassword, "empty password returned by client")
	}
	return password, nil
}

// askSCRAM runs the server's half of a SCRAM exchange (Postgres' CheckSASLAuth). Without an entry it fails however well the client does.
// What ends it is left to be sent.
func askSCRAM(client net.Conn, user string, v *verifier, e *entry) (_ Secret, final []byte, err error) {
	binding := clientBinding(client)
	offer := mechanisms(scram)
	if binding != nil {
		offer = mechanisms(scramPlus, scram)
	}
	if _, err := client.Write(offer); err != nil {
		return Secret{}, nil, err
	}
	message, err := readSASL(client)
	if err != nil {
		return Secret{}, nil, err
	}
	mechanism, data, bad := initialResponse(message)
	if bad != nil {
		return Secret{}, nil, bad
	}
	if mechanism != scram && (mechanism != scramPlus || binding == nil) {
		return Secret{}, nil, errorf(codeViolation, "client selected an invalid SASL authentication mechanism")
	}
	if data == nil { // the client wants to be asked
		if _, err := client.Write(request(requestSASLContinue, nil)); err != nil {
			return Secret{}, nil, err
		}
		if data, err = readSASL(client); err != nil {
			return Secret{}, nil, err
		}
	}
	s := &scramServer{verifier: v, doomed: e == nil, plus: mechanism == scramPlus, binding: binding, nonce: newNonce()}
	first, bad := s.challenge(string(data))
	if bad != nil {
		return Secret{}, nil, bad
	}
	if _, err := client.Write(request(requestSASLContinue, []byte(first))); err != nil {
		return Secret{}, nil, err
	}
	if data, err = readSASL(client); err != nil {
		return Secret{}, nil, err
	}
	last, clientKey, ok, bad := s.conclude(string(data))
	if bad != nil {
		return Secret{}, nil, bad
	}
	if !ok {
		return Secret{}, nil, wrongPassword(user)
	}
	final = request(requestSASLFinal, []byte(last))
	if secret, ok := e.secret(); ok {
		return secret, final, nil
	}
	return Secret{Keys: &Keys{ClientKey: clientKey, ServerKey: v.serverKey, Salt: v.salt, Iterations: v.iterations}}, final, nil
}

// readSASL reads the body of a SASLInitialResponse or SASLResponse.
func readSASL(client net.Conn) ([]byte, error) {
	message, err := ReadMessage(client)
	if err != nil {
		return nil, err
	}
	if message[0] != 'p' {
		return nil, errorf(codeViolation, "expected SASL response, got message type %d", message[0])
	}
	return message[protocol.HeaderSize:], nil
}

// initialResponse reads the body of a SASLInitialResponse; data is nil where the client has left it out.
func initialResponse(body []byte) (mechanism string, data []byte, err *Error) {
	mechanism, rest, ok := protocol.CutString(body)
	if !ok {
		return "", nil, errorf(codeViolation, "invalid string in message")
	}
	if len(rest) < 4 {
		return "", nil, errorf(codeViolation, "insufficient data left in message")
	}
	size := int(int32(binary.BigEndian.Uint32(rest)))
	data = rest[4:]
	switch {
	case size == -1 && len(data) == 0:
		return mechanism, nil, nil
	case size > len(data), size < -1:
		return "", nil, errorf(codeViolation, "insufficient data left in message")
	case size < len(data):
		return "", nil, errorf(codeViolation, "invalid message format")
	}
	return mechanism, data, nil
}

// newNonce makes one party's part of a nonce, as long as Postgres' and libpq's (SCRAM_RAW_NONCE_LEN).
func newNonce() string {
	b := make([]byte, 18)
	rand.Read(b)
	return strings.TrimRight(base64.StdEncoding.EncodeToString(b), "=")
}
