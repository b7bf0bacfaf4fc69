package auth

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
)

// maxFile is far above what a file of users or of rules can need; more is a wrong path.
const maxFile = 64 << 20

// entry is what the users file has for a role: one of its three kinds of secret.
type entry struct {
	password string // in clear
	md5      string // "md5..."
	verifier *verifier
	derived  *atomic.Pointer[Keys] // of password, for the server's salt
}

// secret is what the entry alone proves to a server; ok is false where it proves nothing.
func (e *entry) secret() (s Secret, ok bool) {
	return Secret{Password: e.password, md5: e.md5, derived: e.derived}, e.password != "" || e.md5 != ""
}

// parseUsers reads a file in the format of PgBouncer's userlist.txt: lines of "name" "secret", where the secret is a password, an md5
// hash or a SCRAM-SHA-256 verifier as in pg_authid. A quote inside quotes is doubled. What follows on a line is ignored; empty lines
// and those that begin with ; or # say nothing. A name's first line counts, as PgBouncer has it. Errors name the line, and show
// nothing of it.
func parseUsers(text string) (map[string]*entry, error) {
	users := map[string]*entry{}
	number := 0
	for line := range strings.SplitSeq(text, "\n") {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == ';' || line[0] == '#' {
			continue
		}
		name, rest, ok := quotedField(line)
		if !ok || name == "" {
			return nil, fmt.Errorf("line %d is not of the form \"name\" \"secret\"", number)
		}
		secret, _, ok := quotedField(strings.TrimLeft(rest, " \t"))
		if !ok || strings.IndexByte(name+secret, 0) >= 0 {
			return nil, fmt.Errorf("line %d is not of the form \"name\" \"secret\"", number)
		}
		if users[name] != nil {
			continue
		}
		e, err := newEntry(secret)
		if err != nil {
			return nil, fmt.Errorf("line %d: the secret %w", number, err)
		}
		users[name] = e
	}
	return users, nil
}

func newEntry(secret string) (*entry, error) {
	switch {
	case isMD5(secret):
		return &entry{md5: secret}, nil
	case strings.HasPrefix(secret, verifierPrefix):
		v, err := parseVerifier(secret)
		if err != nil {
			return nil, err
		}
		return &entry{verifier: v}, nil
	}
	return &entry{password: secret, derived: new(atomic.Pointer[Keys])}, nil
}

// quotedField takes "text" from the start of a line.
func quotedField(line string) (text, rest string, ok bool) {
	if !strings.HasPrefix(line, `"`) {
		return "", "", false
	}
	var b strings.Builder
	for line = line[1:]; ; {
		part, after, found := strings.Cut(line, `"`)
		if !found {
			return "", "", false
		}
		b.WriteString(part)
		if !strings.HasPrefix(after, `"`) {
			return b.String(), after, true
		}
		b.WriteByte('"')
		line = after[1:]
	}
}

// readFile gives a file's text; none for an empty path. Its errors name the path alone.
func readFile(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	info, err := os.Stat(path)
	if err == nil && info.Size() > maxFile {
		return "", fmt.Errorf("%q is too large", path)
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(path)
	}
	var e *os.PathError
	if errors.As(err, &e) {
		err = e.Err
	}
	if err != nil {
		return "", fmt.Errorf("%q cannot be read: %w", path, err)
	}
	return string(text), nil
}
