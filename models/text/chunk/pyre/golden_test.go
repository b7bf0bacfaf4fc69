package pyre

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
)

type goldenCase struct {
	pattern string
	refused string // Python's message
	texts   []goldenText
}

type goldenText struct {
	text    string
	matches [][]int
}

func (g *goldenCase) UnmarshalJSON(b []byte) error {
	var parts [2]json.RawMessage
	if err := json.Unmarshal(b, &parts); err != nil {
		return err
	}
	if err := json.Unmarshal(parts[0], &g.pattern); err != nil {
		return err
	}
	if parts[1][0] == '"' {
		return json.Unmarshal(parts[1], &g.refused)
	}
	return json.Unmarshal(parts[1], &g.texts)
}

func (g *goldenText) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&g.text, &g.matches})
}

// golden reads testdata/golden.json, or the file that PYRE_GOLDEN names.
func golden(t testing.TB) []goldenCase {
	name := os.Getenv("PYRE_GOLDEN")
	if name == "" {
		name = "testdata/golden.json"
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var cases []goldenCase
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

// What Python compiles is compiled, or refused as unsupported; what Python refuses is refused; and the matches are the same.
func TestMatchesArePythons(t *testing.T) {
	for _, c := range golden(t) {
		re, err := Compile(c.pattern)
		var unsupported *UnsupportedError
		if errors.As(err, &unsupported) {
			continue // TestRefused has them
		}
		if (err != nil) != (c.refused != "") {
			t.Errorf("%q: got error %v, want %q", c.pattern, err, c.refused)
		}
		if err != nil || c.refused != "" {
			continue
		}
		s := re.Scanner()
		for _, text := range c.texts {
			var got [][]int
			if err := s.Each(t.Context(), text.text, func(m []int) error {
				got = append(got, slices.Clone(m))
				return nil
			}); err != nil {
				t.Errorf("%q on %q: %v", c.pattern, text.text, err)
				continue
			}
			if fmt.Sprint(got) != fmt.Sprint(text.matches) {
				t.Errorf("%q on %q: got %v, want %v", c.pattern, text.text, got, text.matches)
			}
			if found, err := s.Found(t.Context(), text.text); err != nil || found != (len(got) > 0) {
				t.Errorf("%q on %q: found %v, %v", c.pattern, text.text, found, err)
			}
		}
	}
}
