package call

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/exec/function"
)

func sign(key, text string) string {
	sum := sha256.Sum256([]byte(key + text))
	return hex.EncodeToString(sum[:])
}

func TestReadBelievesOnlyTheKeysHolder(t *testing.T) {
	id := strings.Repeat("a", 32)
	text := id + " 42 c ticket call embed aGk= - ="
	m, ok := read("key", 42, text, sign("key", text))
	if !ok || m.id != id || !m.fresh || m.ticket != "ticket" || m.verb != "call" || len(m.words) != 4 {
		t.Fatalf("got %+v, %v", m, ok)
	}
	if m.worker {
		t.Error("the session's own backend is taken for a worker")
	}
	if m, ok := read("key", 43, text, sign("key", text)); !ok || !m.worker {
		t.Errorf("a parallel worker: %+v, %v", m, ok)
	}
	for what, got := range map[string]bool{
		"another key":  func() bool { _, ok := read("key", 42, text, sign("other", text)); return ok }(),
		"another text": func() bool { _, ok := read("key", 42, text+"x", sign("key", text)); return ok }(),
		"no sum":       func() bool { _, ok := read("key", 42, text, ""); return ok }(),
		"too short":    func() bool { _, ok := read("key", 42, "a b", sign("key", "a b")); return ok }(),
	} {
		if got {
			t.Errorf("%s: believed", what)
		}
	}
}

func TestAnswersAreOneLineOfASCII(t *testing.T) {
	for _, answer := range []string{
		valueAnswer("{1,2}"), valueAnswer("grün\n\U0001F989"), valueAnswer("a\x00b"),
		errorAnswer(errors.New("größer\nals")), errorAnswer(&function.Error{Code: "22023", Message: "m\x00", Detail: "d", Hint: "\u2028"}),
	} {
		if !isASCII(answer) {
			t.Errorf("%q", answer)
		}
	}
	if got, want := valueAnswer("ü\U0001F989"), `J"\u00fc\ud83e\udd89"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(strings.Repeat("a", 32) + " 42 c t call embed aGk= -")
	f.Fuzz(func(t *testing.T, text string) {
		m, ok := read("key", 42, text, sign("key", text))
		if !ok {
			return
		}
		for _, w := range m.words {
			bytes(w)
		}
	})
}
