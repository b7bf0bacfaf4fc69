package parser

import "testing"

func TestWords(t *testing.T) {
	for _, c := range []struct {
		text             string
		contains, begins bool
	}{
		{"CLOSE c", true, true},
		{"close", true, true},
		{"SELECT 1; Close c", true, false},
		{"SELECT closed, foreclose, close_at, closé FROM t", false, false},
		{" -- x\n/* a /* b */ c */ ; close all", true, true},
		{"/* close", true, false},
		{"-- close", true, false},
		{"/*", false, false},
		{"clos", false, false},
		{"", false, false},
		{"closeß", false, false},
	} {
		if got := Contains([]byte(c.text), "close"); got != c.contains {
			t.Errorf("Contains(%q) = %v", c.text, got)
		}
		if got := Begins([]byte(c.text), "close"); got != c.begins {
			t.Errorf("Begins(%q) = %v", c.text, got)
		}
	}
}
