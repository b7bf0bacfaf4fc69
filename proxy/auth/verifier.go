package auth

import (
	"bytes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
)

const (
	keySize           = sha256.Size
	defaultIterations = 4096 // Postgres' scram_iterations
	defaultSalt       = 16   // bytes, Postgres' SCRAM_DEFAULT_SALT_LEN
	maxIterations     = 10_000_000
	verifierPrefix    = "SCRAM-SHA-256$"
)

// verifier is what a server stores to check a SCRAM log-in (RFC 5803; pg_authid.rolpassword). It proves nothing to others.
type verifier struct {
	salt       []byte
	iterations int
	storedKey  []byte
	serverKey  []byte
}

var errVerifier = errors.New("is no SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey")

// parseVerifier reads the text that Postgres stores: SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>. Its errors don't
// hold the text.
func parseVerifier(text string) (*verifier, error) {
	head, keys, ok1 := strings.Cut(strings.TrimPrefix(text, verifierPrefix), "$")
	count, salt, ok2 := strings.Cut(head, ":")
	stored, server, ok3 := strings.Cut(keys, ":")
	if !strings.HasPrefix(text, verifierPrefix) || !ok1 || !ok2 || !ok3 {
		return nil, errVerifier
	}
	v := &verifier{}
	var err error
	if v.iterations, err = strconv.Atoi(count); err != nil || v.iterations < 1 || v.iterations > maxIterations {
		return nil, errVerifier
	}
	for _, part := range []struct {
		to   *[]byte
		text string
		size int
	}{{&v.salt, salt, 0}, {&v.storedKey, stored, keySize}, {&v.serverKey, server, keySize}} {
		if *part.to, err = base64.StdEncoding.DecodeString(part.text); err != nil || len(*part.to) == 0 || part.size > 0 && len(*part.to) != part.size {
			return nil, errVerifier
		}
	}
	return v, nil
}

// deriveKeys gives a password's keys (RFC 5802, section 3). It takes about a millisecond for each 4,096 iterations.
func deriveKeys(password string, salt []byte, iterations int) (*Keys, error) {
	salted, err := pbkdf2.Key(sha256.New, prepare(password), salt, iterations, keySize)
	if err != nil {
		return nil, err // an iteration count below 1, or a rule of FIPS mode
	}
	return &Keys{ClientKey: mac(salted, []byte("Client Key")), ServerKey: mac(salted, []byte("Server Key")), Salt: salt, Iterations: iterations}, nil
}

// verifier gives what a server would store.
func (k *Keys) verifier() *verifier {
	stored := sha256.Sum256(k.ClientKey)
	return &verifier{salt: k.Salt, iterations: k.Iterations, storedKey: stored[:], serverKey: k.ServerKey}
}

// fit tells whether the keys were made for this salt and count.
func (k *Keys) fit(salt []byte, iterations int) bool {
	return k.Iterations == iterations && bytes.Equal(k.Salt, salt)
}

func mac(key []byte, parts ...[]byte) []byte {
	m := hmac.New(sha256.New, key)
	for _, part := range parts {
		m.Write(part)
	}
	return m.Sum(nil)
}

func xor(a, b []byte) []byte {
	out := make([]byte, len(a))
	for i := range a {
		out[i] = a[i] ^ b[i]
	}
	return out
}
