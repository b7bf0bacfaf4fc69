package pyre

import (
	"errors"
	"strings"
	"testing"
)

func TestRefused(t *testing.T) {
	for _, c := range []struct{ pattern, want string }{
		{`(a)\1`, "a reference to a group at position 3 is not supported: it takes more than linear time"},
		{`(?P<n>a)(?P=n)`, "a reference to a group at position 8 is not supported: it takes more than linear time"},
		{`\8`, "a reference to a group at position 0 is not supported: it takes more than linear time"},
		{`(?>a)`, "an atomic group at position 0 is not supported: it takes more than linear time"},
		{`(a)?(?(1)b)`, "a condition on a group at position 4 is not supported: it takes more than linear time"},
		{`a++`, "a possessive quantifier at position 1 is not supported: it takes more than linear time"},
		{`(?=(a))`, "a group that keeps what it matches, inside a look-around, at position 3 is not supported: write (?:...)"},
		{`(?<=(?=a)b)`, "a look-around inside a look-behind at position 0 is not supported: put it before or after"},
		{`\N{BULLET}`, `a character by its name at position 0 is not supported: write \uXXXX`},
		{`a{9999}`, "the regular expression is too large"},
		{`(?:a{100}){100}`, "the regular expression is too large"},
		{`(?:(?:(?:){5000}){5000}){5000}`, "the regular expression is too large"},
		{strings.Repeat("(?:", 100) + strings.Repeat("){60}", 100), "the regular expression is too large"},
		{`(?:(?:a{1000000000}){1000000000}){1000000000}`, "the regular expression is too large"},
		{strings.Repeat("(", 300) + strings.Repeat(")", 300), "the regular expression has too many groups inside each other"},
		{strings.Repeat("(?<=a)", 40), "the regular expression has too many look-behinds"},
		{strings.Repeat("(?:a*)*", 40), "the regular expression is too large"},
		{strings.Repeat("a", 20000), "the regular expression is too large"},
		{strings.Repeat(`(?i:[\w])`, 300) + strings.Repeat(".", 1000) + "[" + strings.Repeat(`\u1000-\u2000`, 500) + "]", ""},
		{strings.Repeat(`[^a]`, 3000) + "[" + manyRanges() + "]", "the regular expression is too large"},
		{"é(", "missing ), unterminated subpattern at position 1"},
		{"[b-a]", "bad character range b-a at position 1"},
	} {
		_, err := Compile(c.pattern)
		if err == nil && c.want != "" || err != nil && err.Error() != c.want {
			t.Errorf("%.40q: got %v, want %s", c.pattern, err, c.want)
		}
	}
}

// manyRanges is a set's ranges that do not touch.
func manyRanges() string {
	var b strings.Builder
	for r := rune(0x4000); r < 0x5000; r += 2 {
		b.WriteRune(r)
	}
	return b.String()
}

// Many branches that match nothing end in an error, not in a long wait. Python takes exponential time.
func TestLoopsInsideLoops(t *testing.T) {
	pattern := "a"
	for range 20 {
		pattern = "(?:" + pattern + "|)*"
	}
	re, err := Compile("(?:" + pattern + ")+b")
	if err != nil {
		t.Fatal(err)
	}
	err = re.Scanner().Each(t.Context(), strings.Repeat("a", 100)+"b", func([]int) error { return nil })
	var limit *LimitError
	if err != nil && !errors.As(err, &limit) {
		t.Errorf("got %v", err)
	}
}
