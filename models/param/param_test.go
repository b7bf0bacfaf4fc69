package param

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	known := []string{"max_depth", "eta", "copy_X", "alpha", "alphb"}
	for name, want := range map[string]string{
		"max_dept": "max_depth", "MAX_DEPTH": "max_depth", "copy_x": "copy_X", "alph": "alpha", "alphc": "alpha", "": "", "xyzzy": "",
		strings.Repeat("max_depth", 9): "",
	} {
		if got := Nearest(name, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestNumber(t *testing.T) {
	for _, v := range []any{2.0, float32(2), 2, int32(2), int64(2), uint64(2), json.Number("2")} {
		if x, ok := Number(v); !ok || x != 2 {
			t.Errorf("Number(%T) = %v, %v", v, x, ok)
		}
	}
	for _, v := range []any{nil, "2", true, json.Number("two"), []any{2.0}} {
		if _, ok := Number(v); ok {
			t.Errorf("%T is no number", v)
		}
	}
}

func TestChecks(t *testing.T) {
	for _, c := range []struct {
		check Check
		x     float64
		want  string
	}{
		{AtLeast(1), 1, ""}, {AtLeast(1), 0.5, "must be 1 or more, not 0.5"}, {Above(1), 1.5, ""}, {Above(1), 1, "must be more than 1, not 1"},
	} {
		if got := c.check(c.x); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
