package auth

import (
	"github.com/xdg-go/stringprep"
	"golang.org/x/text/unicode/norm"
)

// profile is SASLprep (RFC 4013) as Postgres has it (src/common/saslprep.c): U+200B, which two of the RFC's tables name, is a space, and
// what is prohibited is looked for before the text is normalized.
var profile = stringprep.Profile{
	Mappings:  []stringprep.Mapping{spaces, stringprep.TableB1},
	Prohibits: stringprep.SASLprep.Prohibits,
	CheckBiDi: true,
}

// spaces is RFC 3454's table C.1.2 as a mapping.
var spaces = func() stringprep.Mapping {
	m := stringprep.Mapping{}
	for _, r := range []rune{0x00A0, 0x1680, 0x202F, 0x205F, 0x3000} {
		m[r] = []rune{' '}
	}
	for r := rune(0x2000); r <= 0x200B; r++ {
		m[r] = []rune{' '}
	}
	return m
}()

// prepare normalizes a password. What SASLprep refuses is taken as it is, as Postgres and libpq do.
func prepare(password string) string {
	if isASCII(password) {
		return password
	}
	p, err := profile.Prepare(password)
	if err != nil || p == "" {
		return password
	}
	return norm.NFKC.String(p)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
