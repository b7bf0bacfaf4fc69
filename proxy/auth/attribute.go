package auth

import (
	"fmt"
	"strings"
)

// The names of the mechanisms.
const (
	scram     = "SCRAM-SHA-256"
	scramPlus = "SCRAM-SHA-256-PLUS"
)

func malformed(format string, args ...any) *Error {
	return &Error{Code: codeViolation, Message: "malformed SCRAM message", Detail: fmt.Sprintf(format, args...)}
}

// attribute takes "x=value" and the comma behind it from the start of a SCRAM message.
func attribute(name byte, message string) (value, rest string, err *Error) {
	if message == "" || message[0] != name {
		return "", "", malformed("Expected attribute \"%c\" but found \"%s\".", name, shown(message))
	}
	if len(message) < 2 || message[1] != '=' {
		return "", "", malformed("Expected character \"=\" for attribute \"%c\".", name)
	}
	value, rest, _ = strings.Cut(message[2:], ",")
	return value, rest, nil
}

// anyAttribute takes an attribute of any name.
func anyAttribute(message string) (name byte, value, rest string, err *Error) {
	if message == "" {
		return 0, "", "", malformed("Attribute expected, but found end of string.")
	}
	name = message[0]
	if !(name >= 'A' && name <= 'Z' || name >= 'a' && name <= 'z') {
		return 0, "", "", malformed("Attribute expected, but found invalid character \"%s\".", shown(message))
	}
	value, rest, err = attribute(name, message)
	return name, value, rest, err
}

// shown is the first character of a message as Postgres shows it in an error.
func shown(message string) string {
	switch {
	case message == "":
		return "0x00"
	case message[0] >= 0x21 && message[0] <= 0x7e:
		return fmt.Sprintf("'%c'", message[0])
	}
	return fmt.Sprintf("0x%02x", message[0])
}

// isPrintable tells whether a nonce is made of what RFC 5802 allows.
func isPrintable(nonce string) bool {
	for i := range len(nonce) {
		if nonce[i] < 0x21 || nonce[i] > 0x7e || nonce[i] == ',' {
			return false
		}
	}
	return true
}
