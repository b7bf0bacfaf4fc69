package main

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/integration/pgtest"
	"github.com/pgowl/pgowl/integration/story"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// plainServer is an owl that is no owl: a Postgres, which is enough for what psql needs.
func plainServer(t *testing.T) *owl {
	t.Helper()
	s := pgtest.Start(t)
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("any\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return &owl{sql: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port())), password: password, secret: strings.Repeat("k", 32)}
}

func TestPlayKeepsOneSession(t *testing.T) {
	steps := []story.Step{
		{Title: "one session", Text: "CREATE TEMP TABLE titles (title text, is_clickbait int)"},
		{Kind: story.Load, Text: "COPY titles FROM STDIN WITH (FORMAT csv, HEADER)"},
		{Text: "SELECT count(*) FROM titles", Want: regexp.MustCompile(`^600$`)},
		{Kind: story.Wait, Text: "SELECT 7", Want: regexp.MustCompile(`^7$`)},
	}
	t.Chdir(filepath.Join("..", ".."))
	if err := play(t.Context(), plainServer(t), steps); err != nil {
		t.Error(err)
	}
}

func TestPlayEndsAtTheFirstFailure(t *testing.T) {
	for name, step := range map[string]story.Step{
		"an error":        {Text: "SELECT 1/0"},
		"a wrong result":  {Text: "SELECT 2", Want: regexp.MustCompile(`^3$`)},
		"a failing query": {Kind: story.Wait, Text: "SELECT nonsense", Want: regexp.MustCompile(`x`)},
	} {
		t.Run(name, func(t *testing.T) {
			if err := play(t.Context(), plainServer(t), []story.Step{step}); err == nil {
				t.Error("the demo went on")
			}
		})
	}
}

func TestStatementErrorIsInTheOutput(t *testing.T) {
	p, err := startPsql(t.Context(), plainServer(t))
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	out, err := p.run("SELECT 1/0;")
	if err == nil || !strings.Contains(out, "division by zero") {
		t.Errorf("got %q, %v", out, err)
	}
}
