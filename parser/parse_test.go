package parser

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write what the parser gives into testdata")

// Each file in testdata holds cases: a statement, a line of four dashes, and what the plan is; cases are parted by a blank line.
// go test ./parser -rewrite writes the right-hand sides; review reads the diff.
func TestParse(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var out []string
			for _, c := range strings.Split(strings.TrimSpace(string(data)), "\n\n") {
				text, want, _ := strings.Cut(c, "\n----\n")
				text = strings.TrimSuffix(text, "\n----")
				got := describe(Parse(text))
				if !*rewrite && got != want {
					t.Errorf("%s\ngot:\n%s\nwant:\n%s", text, got, want)
				}
				out = append(out, text+"\n----\n"+got)
			}
			if *rewrite {
				if err := os.WriteFile(file, []byte(strings.Join(out, "\n\n")+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func describe(p *Plan) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s", p.Lane)
	if p.Training != nil {
		fmt.Fprintf(&b, "\nreads for %s%s, parameters %d", p.Training.Function, p.Training.Arguments, p.MaxParam)
	}
	if p.Lane == Call {
		return b.String()
	}
	values := make([]Value, len(p.Folds))
	for i := range values {
		values[i] = Value{OK: true, Text: fmt.Sprintf("VALUE%d", i), Model: 7}
	}
	for i, c := range p.Folds {
		fmt.Fprintf(&b, "\nfold %d: %s", i, describeCall(c))
	}
	for i, c := range p.Columns {
		fmt.Fprintf(&b, "\ncolumn %d: %s", i, describeCall(c))
	}
	for i := range 10 {
		if tag, ok := p.Tags[i]; ok {
			fmt.Fprintf(&b, "\ntag %d: %s", i, tag)
		}
	}
	fmt.Fprintf(&b, "\n%s", p.Text(values))
	if p.MaxParam > 0 {
		fmt.Fprintf(&b, "\n%s", p.ParamText(p.MaxParam+1))
	}
	return b.String()
}

func describeCall(c *FunctionCall) string {
	var args []string
	for _, a := range c.Args {
		switch a.Kind {
		case Missing:
			args = append(args, "default")
		case Const:
			args = append(args, fmt.Sprintf("%q %s", a.Value, a.Type))
		case Param:
			args = append(args, fmt.Sprintf("$%d %s", a.Param, a.Type))
		case Nested:
			args = append(args, describeCall(a.Call))
		case Column:
			args = append(args, fmt.Sprintf("hidden %d", a.Index))
		}
	}
	return c.Function + "(" + strings.Join(args, "; ") + ")"
}

func TestOrigin(t *testing.T) {
	text := "SELECT 'ü', pgml.embed('m', 'x'), nosuch, pgml.embed('m', 'y'), other"
	p := Parse(text)
	values := []Value{{OK: true, Text: "{1}"}, {OK: true, Text: "{2}"}}
	for _, word := range []string{"SELECT", "nosuch", "other"} {
		want := len([]rune(text[:strings.Index(text, word)])) + 1
		changed := p.Text(values)
		at := len([]rune(changed[:strings.Index(changed, word)])) + 1
		if got := p.TextOrigin(values, at); got != want {
			t.Errorf("%s: position %d maps to %d, want %d", word, at, got, want)
		}
		changed = p.ParamText(1)
		at = len([]rune(changed[:strings.Index(changed, word)])) + 1
		if got := p.ParamTextOrigin(1, at); got != want {
			t.Errorf("%s: position %d of the text with parameters maps to %d, want %d", word, at, got, want)
		}
	}
	changed := p.Text(values)
	inside := len([]rune(changed[:strings.Index(changed, "{1}")])) + 1
	if got, want := p.TextOrigin(values, inside), len([]rune(text[:strings.Index(text, "pgml")]))+1; got != want {
		t.Errorf("a place inside a fold maps to %d, want the call's start %d", got, want)
	}
	kept := len([]rune(changed[:strings.LastIndex(changed, "'y'")])) + 1
	if got, want := p.TextOrigin(values, kept), len([]rune(text[:strings.Index(text, "'y'")]))+1; got != want {
		t.Errorf("a place in the call that is kept maps to %d, want %d", got, want)
	}
	twice := "SELECT pgml.embed('m', 'x'), 1, pgml.embed('m', 'x')"
	q := Parse(twice)
	changed = q.Text(values[:len(q.Folds)])
	second := strings.LastIndex(changed, "'x'") + 1
	if got, want := q.TextOrigin(values[:len(q.Folds)], second), strings.LastIndex(twice, "'x'")+1; got != want {
		t.Errorf("a place in the second of two calls maps to %d, want %d", got, want)
	}
	if got, want := p.TextOrigin(values, 1<<30), len([]rune(text))+1; got != want {
		t.Errorf("a place beyond the end maps to %d, want %d", got, want)
	}
}

func TestMentions(t *testing.T) {
	for text, want := range map[string]bool{
		"select 1":                            false,
		"select pgml.version()":               true,
		"SELECT PGML.VERSION()":               true,
		"create extension pg_cron":            true,
		"do language plpython3u $$ $$":        true,
		"select pgm":                          false,
		"pgml":                                true,
		"p":                                   false,
		"select * from page where pg = 'pgm'": false,
	} {
		if got := Mentions([]byte(text)); got != want {
			t.Errorf("Mentions(%q) = %v, want %v", text, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.txt")
	for _, file := range files {
		data, _ := os.ReadFile(file)
		for _, c := range strings.Split(string(data), "\n\n") {
			text, _, _ := strings.Cut(c, "\n----")
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		p := Parse(text)
		values := make([]Value, len(p.Folds))
		if got := p.Text(values); p.Lane == Fold && got != text {
			t.Errorf("nothing folded, but the text changed: %q", got)
		}
		p.ParamText(p.MaxParam + 1)
	})
}

func BenchmarkMentions(b *testing.B) {
	text := []byte("SELECT abalance FROM pgbench_accounts WHERE aid = 12345 AND bid = 1;")
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Mentions(text)
	}
}
