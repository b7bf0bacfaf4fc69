package rest

import (
	"net/http"
	"testing"
)

func TestPages(t *testing.T) {
	for _, c := range []struct {
		limit, offset, ranges string
		want                  page
		bad                   bool
	}{
		{"", "", "", page{0, -1}, false},
		{"2", "3", "", page{3, 2}, false},
		{"x", "y", "z", page{0, -1}, false},
		{"", "", "1-3", page{1, 3}, false},
		{"", "", "4-", page{4, -1}, false},
		{"2", "1", "2-9", page{2, 1}, false},
		{"2", "1", "5-9", page{5, 0}, false},
		{"9223372036854775807", "9223372036854775807", "0-9223372036854775806", page{mostRows, mostRows}, false},
		{"-1", "", "", page{}, true},
		{"", "", "3-1", page{}, true},
	} {
		got, err := parsePage(http.MethodGet, http.Header{"Range": {c.ranges}}, c.limit, c.offset)
		if (err != nil) != c.bad || err == nil && got != c.want {
			t.Errorf("%+v: got %+v, %v", c, got, err)
		}
	}
}

func TestContentRange(t *testing.T) {
	for _, c := range []struct {
		offset, rows, total int64
		value               string
		status              int
	}{
		{0, 3, -1, "0-2/*", 200},
		{0, 0, -1, "*/*", 200},
		{0, 0, 0, "*/0", 200},
		{1, 0, 0, "*/0", 416},
		{1, 2, 4, "1-2/4", 206},
		{0, 4, 4, "0-3/4", 200},
	} {
		value, status := page{offset: c.offset, limit: -1}.contentRange(c.rows, c.total)
		if value != c.value || status != c.status {
			t.Errorf("%+v: got %s %d", c, value, status)
		}
	}
}

func TestPairs(t *testing.T) {
	got, ok := parsePairs("a=1+2&&b&c=%zz%41%4&d=%e2%82%ac=")
	want := []pair{{"a", "1 2"}, {"b", ""}, {"c", "%zzA%4"}, {"d", "€="}}
	if !ok || len(got) != len(want) {
		t.Fatalf("got %q", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %q, want %q", got[i], want[i])
		}
	}
	if _, ok := parsePairs("a=%ff"); ok {
		t.Error("not UTF-8, but taken")
	}
}

func TestOperators(t *testing.T) {
	for value, want := range map[string]bool{
		"eq.1": true, "not.in.(1,2)": true, "is.null": true, "is.NULL": true, "like(any).{a}": true, "fts(english).x": true, "not.fts.x": true,
		"is.okay": false, "in.1": false, "eq": false, "hello. eq.1": false, "isdistinct.1": true, "": false, "3.5": false, "equal.1": false,
	} {
		if got := operator.MatchString(value); got != want {
			t.Errorf("%q: got %v", value, got)
		}
	}
}

func TestHints(t *testing.T) {
	choices := []string{"unnamed_text_param", "overloaded", "getallprojects", "(a, b, c)", "(a, b)"}
	for _, c := range []struct {
		word  string
		least float64
		want  string
	}{
		{"unnamed_int_param", 0.75, "unnamed_text_param"},
		{"getallproject", 0.75, "getallprojects"},
		{"(a, b, wrong_arg)", 0.33, "(a, b, c)"},
		{"zzz", 0.33, ""},
		{"", 0.33, ""},
	} {
		if got, _ := closest(choices, c.word, c.least); got != c.want {
			t.Errorf("%q: got %q, want %q", c.word, got, c.want)
		}
	}
}

func TestNegotiate(t *testing.T) {
	for accept, want := range map[string]shape{
		"": anyJSON, "*/*": anyJSON, "text/html, application/json;q=0.5, text/csv;q=0.9": csvTable,
		"application/vnd.pgrst.object": singleJSON, "application/vnd.pgrst.array+json;nulls=stripped": strippedArr,
		"text/html,application/xhtml+xml,image/webp,*/*;q=0.8,application/signed-exchange;v=b3": anyJSON,
	} {
		if got, err := negotiate(http.Header{"Accept": {accept}}); err != nil || got != want {
			t.Errorf("%q: got %v, %v", accept, got, err)
		}
	}
}
