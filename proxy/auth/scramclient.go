package auth

import (
	"crypto/hmac"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The values of channel_binding.
const (
	bindRequire = "require"
	bindDisable = "disable"
)

// scramClient is the client's half of one SCRAM exchange (RFC 5802).
type scramClient struct {
	secret    Secret
	mechanism string
	header    string // gs2-header
	binding   []byte // what follows the header in the client's last message, with SCRAM-SHA-256-PLUS
	nonce     string

	firstBare string
	want      string // the signature that the server must show
}

// newScramClient chooses the mechanism among those that the server offers. binding is the TLS connection's, nil without one.
func newScramClient(s Secret, offered []string, binding []byte, mode, nonce string) (*scramClient, error) {
	c := &scramClient{secret: s, nonce: nonce}
	plus := slices.Contains(offered, scramPlus)
	switch {
	case plus && binding != nil && mode != bindDisable:
		c.mechanism, c.header, c.binding = scramPlus, "p="+endPoint+",,", binding
	case mode == bindRequire && binding == nil:
		return nil, errorf(codeNotAllowed, "channel binding is required, but the connection to the server cannot be bound to")
	case mode == bindRequire:
		return nil, errorf(codeNotAllowed, "channel binding is required, but the server did not offer it")
	case !slices.Contains(offered, scram):
		return nil, errorf(codeUnsupported, "the server wants a SASL mechanism that PgOwl does not have: %s", quote(strings.Join(offered, " ")))
	case binding != nil && mode != bindDisable:
		// The server will find out if somebody has taken its offer to bind away.
		c.mechanism, c.header = scram, "y,,"
	default:
		c.mechanism, c.header = scram, "n,,"
	}
	return c, nil
}

// first is the client's first message. The name in it is empty, as libpq's: the start-up message has told it.
func (c *scramClient) first() string {
	c.firstBare = "n=,r=" + c.nonce
	return c.header + c.firstBare
}

// answer reads the server's first message and gives the client's last one.
func (c *scramClient) answer(first string) (string, error) {
	nonce, rest, bad := attribute('r', first)
	if bad != nil {
		return "", bad
	}
	salt64, rest, bad := attribute('s', rest)
	if bad != nil {
		return "", bad
	}
	count, rest, bad := attribute('i', rest)
	if bad != nil {
		return "", bad
	}
	if len(nonce) <= len(c.nonce) || !strings.HasPrefix(nonce, c.nonce) || !isPrintable(nonce) {
		return "", errors.New("the server's SCRAM nonce does not go on from ours")
	}
	salt, err := base64.StdEncoding.DecodeString(salt64)
	if err != nil || len(salt) == 0 {
		return "", errors.New("the server's SCRAM salt is malformed")
	}
	iterations, err := strconv.Atoi(count)
	if err != nil || iterations < 1 || iterations > maxIterations {
		// The upper limit keeps a server from keeping us busy for hours.
		return "", fmt.Errorf("the server's SCRAM iteration count %s is outside of 1 to %d", quote(count), maxIterations)
	}
	if rest != "" {
		if _, _, _, bad := anyAttribute(rest); bad != nil {
			return "", bad
		}
	}
	keys, err := c.secret.keys(salt, iterations)
	if err != nil {
		return "", err
	}
	without := "c=" + base64.StdEncoding.EncodeToString(append([]byte(c.header), c.binding...)) + ",r=" + nonce
	authMessage := []byte(c.firstBare + "," + first + "," + without)
	proof := xor(keys.ClientKey, mac(keys.verifier().storedKey, authMessage))
	c.want = base64.StdEncoding.EncodeToString(mac(keys.ServerKey, authMessage))
	return without + ",p=" + base64.StdEncoding.EncodeToString(proof), nil
}

// verify reads the server's last message: the server has to know the secret, too.
func (c *scramClient) verify(last string) error {
	if strings.HasPrefix(last, "e=") {
		return errors.New("the server ends the SCRAM exchange with an error of its own")
	}
	signature, _, bad := attribute('v', last)
	if bad != nil {
		return bad
	}
	if c.want == "" || !hmac.Equal([]byte(signature), []byte(c.want)) {
		return errorf(codeNotAllowed, "the server's SCRAM signature is wrong: it does not know the role's secret")
	}
	return nil
}

// keys gives the secret's keys for a salt and count.
func (s Secret) keys(salt []byte, iterations int) (*Keys, error) {
	if s.Keys != nil {
		if !s.Keys.fit(salt, iterations) {
			return nil, errorf(codeNotAllowed, "the SCRAM secret that PgOwl has for this role is not the one that the server stores")
		}
		return s.Keys, nil
	}
	if s.Password == "" {
		return nil, errorf(codeNotAllowed, "the server wants SCRAM, and what PgOwl has for this role cannot answer it")
	}
	if s.derived != nil {
		if k := s.derived.Load(); k != nil && k.fit(salt, iterations) {
			return k, nil
		}
	}
	k, err := deriveKeys(s.Password, salt, iterations)
	if err == nil && s.derived != nil {
		s.derived.Store(k)
	}
	return k, err
}
