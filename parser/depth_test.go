package parser

import (
	"strings"
	"testing"
)

// Each of these would overflow the stack of pg_query's C code, which no recover catches.
func TestDeepTextsAreLeftToTheServer(t *testing.T) {
	const n = 60000
	for name, text := range map[string]string{
		"sum":          "SELECT pgml.embed('m', 'x'), 1" + strings.Repeat("+1", 4*n),
		"parentheses":  "SELECT pgml.embed('m', 'x'), " + strings.Repeat("(", n) + "1" + strings.Repeat(")", n),
		"sum of calls": "SELECT pgml.embed('m', 'x')" + strings.Repeat("||f(1)", n),
		"minus":        "SELECT pgml.embed('m', 'x'), " + strings.Repeat("- ", 2*n) + "1",
		"not":          "SELECT pgml.embed('m', 'x'), " + strings.Repeat("NOT ", 2*n) + "true",
		"union":        "SELECT pgml.embed('m', 'x'), 1" + strings.Repeat(" UNION SELECT 1,1", n),
		"casts":        "SELECT pgml.embed('m', 'x')" + strings.Repeat("::text", 2*n),
		"joins":        "SELECT pgml.embed('m', 'x') FROM a" + strings.Repeat(" CROSS JOIN a", n),
		"case":         "SELECT pgml.embed('m', 'x'), " + strings.Repeat("CASE WHEN a THEN ", n/2) + "1" + strings.Repeat(" END", n/2),
		"subscripts":   "SELECT pgml.embed('m', 'x'), a" + strings.Repeat("[a", n) + strings.Repeat("]", n),
		"collations":   "SELECT pgml.embed('m', 'x')" + strings.Repeat(" COLLATE c", n),
		"is null":      "SELECT pgml.embed('m', 'x')" + strings.Repeat(" IS NULL", n),
		"operators":    "SELECT pgml.embed('m', 'x')" + strings.Repeat(" OPERATOR(a.+) 1", n),
		"subselects":   "SELECT pgml.embed('m', 'x'), " + strings.Repeat("(SELECT ", n) + "1" + strings.Repeat(")", n),
		"sums in sums": "SELECT pgml.embed('m', 'x'), " + strings.Repeat("(", 500) + "1" + strings.Repeat(strings.Repeat("+1", 500)+")", 500),
		"and or":       "SELECT pgml.embed('m', 'x') WHERE a" + strings.Repeat(" AND b OR c", n),
	} {
		if len(text) > maxText {
			t.Errorf("%s: the text is not parsed anyway", name)
		}
		if p := Parse(text); p.Lane != Call {
			t.Errorf("%s: lane %v, want call", name, p.Lane)
		}
	}
}

func TestWideTextsAreNotDeep(t *testing.T) {
	for name, text := range map[string]string{
		"rows":    "INSERT INTO t SELECT pgml.embed('m', 'x') FROM (VALUES (-1, 'a')" + strings.Repeat(", (-1, 'a')", 20000) + ") v",
		"list":    "SELECT pgml.embed('m', 'x') WHERE a IN (1" + strings.Repeat(", -1", 20000) + ")",
		"columns": "SELECT pgml.embed('m', 'x')" + strings.Repeat(", a + b AS c", 1600),
	} {
		if p := Parse(text); p.Lane != Fold {
			t.Errorf("%s: lane %v, want fold", name, p.Lane)
		}
	}
}
