package auth

import "sync/atomic"

// Secret is what a role can prove itself with to the server behind. The zero value proves nothing, and is enough for a server that
// trusts. It prints as "[hidden]".
type Secret struct {
	Password string // in clear, as the client gave it or the users file has it; empty: none
	Keys     *Keys  // instead of a password: what a SCRAM log-in against a stored verifier has shown; nil: none

	md5     string                // instead of a password: "md5" and the digits of the hash of password and name; empty: none
	derived *atomic.Pointer[Keys] // of Password, for the server's salt; shared by the log-ins of one entry of the users file
}

// Keys are a role's SCRAM-SHA-256 keys for one salt and number of iterations (RFC 5802, section 3). They open every server that
// stores the same verifier, and no other.
type Keys struct {
	ClientKey  []byte // 32 bytes
	ServerKey  []byte // 32 bytes
	Salt       []byte
	Iterations int
}

const hidden = "[hidden]"

// String hides the secret.
func (Secret) String() string { return hidden }

// GoString hides the secret for %#v.
func (Secret) GoString() string { return hidden }

// MarshalText hides the secret in JSON and in logs.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// String hides the keys.
func (Keys) String() string { return hidden }

// GoString hides the keys for %#v.
func (Keys) GoString() string { return hidden }

// MarshalText hides the keys in JSON and in logs.
func (Keys) MarshalText() ([]byte, error) { return []byte(hidden), nil }
