package call

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/pgowl/pgowl/exec/function"
)

// The answers that pgowl.converse and pgowl.drive understand. All are ASCII.

func valueAnswer(text string) string {
	if isASCII(text) {
		return "V" + text
	}
	return "J" + asciiJSON(text)
}

// arrayAnswer says that the value is an array that stands beside the answer.
const arrayAnswer = "W"

func errorAnswer(err error) string {
	var e *function.Error
	if !errors.As(err, &e) {
		e = &function.Error{Code: "XX000", Message: err.Error()}
	}
	fields := map[string]string{"c": e.Code, "m": clean(e.Message)}
	if e.Detail != "" {
		fields["d"] = clean(e.Detail)
	}
	if e.Hint != "" {
		fields["h"] = clean(e.Hint)
	}
	return "E" + asciiJSON(fields)
}

// clean drops what a Postgres text cannot hold.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf || s[i] == '\n' || s[i] == '\r' || s[i] == 0 {
			return false // a line end would end the comment that carries the answer
		}
	}
	return true
}

func asciiJSON(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		raw = []byte("null")
	}
	var b strings.Builder
	for _, r := range string(raw) {
		switch {
		case r < utf8.RuneSelf:
			b.WriteRune(r)
		case r > 0xFFFF:
			hi, lo := utf16.EncodeRune(r)
			writeEscape(&b, hi)
			writeEscape(&b, lo)
		default:
			writeEscape(&b, r)
		}
	}
	return b.String()
}

func writeEscape(b *strings.Builder, r rune) {
	const digits = "0123456789abcdef"
	b.WriteString(`\u`)
	for shift := 12; shift >= 0; shift -= 4 {
		b.WriteByte(digits[r>>shift&15])
	}
}
