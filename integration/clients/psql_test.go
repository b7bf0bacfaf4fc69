package clients

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/integration/child"
	"github.com/pgowl/pgowl/integration/story"
)

// psqlCommand is psql by hand: one program, one session, one statement a call.
type psqlCommand struct{ owl *owl }

func (p psqlCommand) query(t *testing.T, sql string) (string, error) {
	t.Helper()
	return p.run(t, "-c", sql)
}

func (p psqlCommand) load(t *testing.T, sql, file string) error {
	t.Helper()
	_, err := p.run(t, "-c", copyCommand(sql, file))
	return err
}

// copyCommand is psql's \copy for a COPY ... FROM STDIN.
func copyCommand(sql, file string) string {
	return `\copy ` + strings.TrimPrefix(strings.Replace(sql, "STDIN", "'"+file+"'", 1), "COPY ")
}

func (p psqlCommand) run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "psql", append([]string{"-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose", "-d", p.owl.url}, args...)...)
	cmd.Env = append(child.WithoutPrefix(os.Environ(), "PG"), "PGOPTIONS=-c client_min_messages=warning")
	var out, messages strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &messages
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%w\n%s", err, &messages)
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}

func TestStoryFromPsqlCommands(t *testing.T) {
	o := sharedOwl(t)
	play(t, o, psqlCommand{o})
}

// TestStoryFromPsqlFiles runs files of statements, a new one behind each step that psql has no part in.
func TestStoryFromPsqlFiles(t *testing.T) {
	o := sharedOwl(t)
	psql := psqlCommand{o}
	const mark = "==next=="
	var file strings.Builder
	var pending []story.Step
	flush := func() {
		t.Helper()
		path := filepath.Join(t.TempDir(), "story.sql")
		if err := os.WriteFile(path, []byte(file.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := psql.run(t, "-f", path)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		results := strings.Split(out+"\n", mark+"\n")
		if len(results) != len(pending)+1 {
			t.Fatalf("%d results of %d statements", len(results)-1, len(pending))
		}
		for i, step := range pending {
			if got := strings.TrimSuffix(results[i], "\n"); step.Want != nil && !step.Want.MatchString(got) {
				t.Fatalf("%s\ngot  %s\nwant %s", step.Text, got, step.Want)
			}
		}
		file.Reset()
		pending = nil
	}
	for _, step := range story.Steps() {
		switch step.Kind {
		case story.Wait, story.HTTP: // the other plays have them
			flush()
			continue
		case story.Load:
			file.WriteString(copyCommand(step.Text, headlines(t)) + "\n")
		default:
			file.WriteString(step.Text + ";\n")
		}
		file.WriteString(`\echo ` + mark + "\n")
		pending = append(pending, step)
	}
	flush()
}

// TestPsqlDescribes asks what people ask of a server that they do not know.
func TestPsqlDescribes(t *testing.T) {
	o := sharedOwl(t)
	psql := psqlCommand{o}
	for command, want := range map[string]string{
		`\df pgml.embed`:          "pgml|embed|real[]|transformer text, text text, kwargs jsonb DEFAULT '{}'::jsonb|func",
		`\df cron.schedule`:       "cron|schedule|bigint|schedule text, command text|func",
		`\dv pgml.trained_models`: "pgml|trained_models|view|postgres",
		`\dn cron`:                "cron|postgres",
	} {
		got, err := psql.run(t, "-c", command)
		if err != nil || !strings.Contains(got, want) {
			t.Errorf("%s: got %q, %v, want %q", command, got, err, want)
		}
	}
	if host, _, err := net.SplitHostPort(o.sql); err != nil || host != "127.0.0.1" {
		t.Errorf("it listens on %s", o.sql)
	}
}
