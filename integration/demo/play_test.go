package main

import (
	"strings"
	"testing"
)

func TestPlain(t *testing.T) {
	for _, c := range []struct{ name, out, want string }{
		{"a table", " id |         name         \n----+----------------------\n  1 | clickbait_classifier\n  2 | b\n(2 rows)\n\n", "1|clickbait_classifier\n2|b"},
		{"one column", " predict \n---------\n       1\n(1 row)\n\n", "1"},
		{"messages before", "INFO:  Training\n x \n---\n t\n(1 row)\n", "t"},
		{"no rows", " x \n---\n(0 rows)\n", ""},
		{"no table", "CREATE TABLE\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := plain(c.out); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestClip(t *testing.T) {
	got := clip(strings.Repeat("x", 500) + "\n" + strings.Repeat("y\n", 100))
	if lines := strings.Count(got, "\n"); lines != 31 || len(got) > 500 {
		t.Errorf("got %d lines, %d bytes", lines, len(got))
	}
	if got := clip("short\n"); got != "short\n" {
		t.Errorf("got %q", got)
	}
}
