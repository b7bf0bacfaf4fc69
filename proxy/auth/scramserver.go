package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
)

// scramServer is the server's half of one SCRAM exchange (RFC 5802). Its errors are Postgres' (src/backend/libpq/auth-scram.c).
type scramServer struct {
	verifier *verifier
	doomed   bool   // whatever the client says is wrong: there is no such user
	plus     bool   // the client chose SCRAM-SHA-256-PLUS
	binding  []byte // of the TLS connection; nil: binding is not offered
	nonce    string // the server's part

	flag      byte // the client's gs2-cbind-flag: n, y or p
	firstBare string
	first     string // the server's first message
	whole     string // the client's nonce and the server's
}

// challenge reads the client's first message and gives the server's.
func (s *scramServer) challenge(message string) (string, *Error) {
	if err := whole(message); err != nil {
		return "", err
	}
	s.flag = message[0]
	rest := message
	switch s.flag {
	case 'n', 'y':
		if s.plus {
			return "", malformed("The client selected SCRAM-SHA-256-PLUS, but the SCRAM message does not include channel binding data.")
		}
		if s.flag == 'y' && s.binding != nil {
			// Somebody in between may have taken the mechanism that binds out of the offer.
			return "", &Error{Code: codeNotAllowed, Message: "SCRAM channel binding negotiation error",
				Detail: "The client supports SCRAM channel binding but thinks the server does not.  However, this server does support channel binding."}
		}
		rest = rest[1:]
		if !strings.HasPrefix(rest, ",") {
			return "", malformed("Comma expected, but found character \"%s\".", shown(rest))
		}
		rest = rest[1:]
	case 'p':
		if !s.plus {
			return "", malformed("The client selected SCRAM-SHA-256 without channel binding, but the SCRAM message includes channel binding data.")
		}
		kind, r, err := attribute('p', rest)
		if err != nil {
			return "", err
		}
		if kind != endPoint {
			return "", errorf(codeViolation, "unsupported SCRAM channel-binding type %s", quote(kind))
		}
		rest = r
	default:
		return "", malformed("Unexpected channel-binding flag \"%s\".", shown(message))
	}
	if strings.HasPrefix(rest, "a") {
		return "", errorf(codeUnsupported, "client uses authorization identity, but it is not supported")
	}
	if !strings.HasPrefix(rest, ",") {
		return "", malformed("Unexpected attribute \"%s\" in client-first-message.", shown(rest))
	}
	s.firstBare = rest[1:]
	if strings.HasPrefix(s.firstBare, "m") {
		return "", errorf(codeUnsupported, "client requires an unsupported SCRAM extension")
	}
	_, rest, err := attribute('n', s.firstBare) // the start-up message has told the user
	if err != nil {
		return "", err
	}
	nonce, rest, err := attribute('r', rest)
	if err != nil {
		return "", err
	}
	if !isPrintable(nonce) {
		return "", errorf(codeViolation, "non-printable characters in SCRAM nonce")
	}
	for rest != "" {
		if _, _, rest, err = anyAttribute(rest); err != nil {
			return "", err
		}
	}
	s.whole = nonce + s.nonce
	s.first = "r=" + s.whole + ",s=" + base64.StdEncoding.EncodeToString(s.verifier.salt) + ",i=" + strconv.Itoa(s.verifier.iterations)
	return s.first, nil
}

// conclude reads the client's last message. With the right proof it gives the server's last message and the client's key; with a
// wrong one ok is false.
func (s *scramServer) conclude(message string) (last string, clientKey []byte, ok bool, err *Error) {
	if err := whole(message); err != nil {
		return "", nil, false, err
	}
	bound, rest, err := attribute('c', message)
	if err != nil {
		return "", nil, false, err
	}
	if s.plus {
		want := base64.StdEncoding.EncodeToString(append([]byte("p="+endPoint+",,"), s.binding...))
		if bound != want {
			return "", nil, false, errorf(codeNotAllowed, "SCRAM channel binding check failed")
		}
	} else if bound != base64.StdEncoding.EncodeToString([]byte{s.flag, ',', ','}) {
		return "", nil, false, errorf(codeViolation, "unexpected SCRAM channel-binding attribute in client-final-message")
	}
	nonce, rest, err := attribute('r', rest)
	if err != nil {
		return "", nil, false, err
	}
	var proof string
	var without string
	for name := byte(0); name != 'p'; {
		without = strings.TrimSuffix(message[:len(message)-len(rest)], ",")
		if name, proof, rest, err = anyAttribute(rest); err != nil {
			return "", nil, false, err
		}
	}
	sent, failed := base64.StdEncoding.Strict().DecodeString(proof)
	if failed != nil || len(sent) != keySize {
		return "", nil, false, malformed("Malformed proof in client-final-message.")
	}
	if rest != "" {
		return "", nil, false, malformed("Garbage found at the end of client-final-message.")
	}
	if nonce != s.whole {
		return "", nil, false, &Error{Code: codeViolation, Message: "invalid SCRAM response", Detail: "Nonce does not match."}
	}
	authMessage := []byte(s.firstBare + "," + s.first + "," + without)
	clientKey = xor(sent, mac(s.verifier.storedKey, authMessage))
	stored := sha256.Sum256(clientKey)
	// All is computed in either case, so that a mock exchange takes the time of a true one.
	last = "v=" + base64.StdEncoding.EncodeToString(mac(s.verifier.serverKey, authMessage))
	if !hmac.Equal(stored[:], s.verifier.storedKey) || s.doomed {
		return "", nil, false, nil
	}
	return last, clientKey, true, nil
}

// whole checks what every message must be.
func whole(message string) *Error {
	if message == "" {
		return malformed("The message is empty.")
	}
	if strings.IndexByte(message, 0) >= 0 {
		return malformed("Message length does not match input length.")
	}
	return nil
}

// quote puts quotes around a client's text as Postgres shows it: printable ASCII only, the rest as question marks, 30 bytes at most.
func quote(text string) string {
	b := []byte(text[:min(len(text), 30)])
	for i := range b {
		if b[i] < 0x21 || b[i] > 0x7e {
			b[i] = '?'
		}
	}
	return `"` + string(b) + `"`
}
