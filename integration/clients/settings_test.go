package clients

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/integration/child"
)

// TestBadSettingsStopTheStart wants one line that names the setting, and exit status 1, before anything is made or started.
func TestBadSettingsStopTheStart(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	file := filepath.Join(dir, "pgowl.conf")
	if err := os.WriteFile(file, []byte("# ours\nlisten = 127.0.0.1:0\nlistn = 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	const upstream = "PGOWL_UPSTREAM=postgres://127.0.0.1/x"
	for _, c := range []struct {
		name string
		env  []string
		args []string
		want string // the line begins with it
	}{
		{"an unknown variable", []string{"PGOWL_LISTNE=x"}, []string{"serve"}, "pgowl: PGOWL_LISTNE: no such setting (did you mean PGOWL_LISTEN?)"},
		{"an unknown flag", nil, []string{"serve", "--lisen", "x"}, "pgowl: --lisen: no such flag (did you mean --listen?)"},
		{"an unknown line of the file", nil, []string{"serve", "--config", file}, "pgowl: pgowl.conf:3: listn: no such setting (did you mean listen?)"},
		{"a file that is not there", []string{"PGOWL_CONFIG=" + file + "x"}, []string{"serve"}, "pgowl: PGOWL_CONFIG: "},
		{"a bad address", []string{"PGOWL_LISTEN=localhost"}, []string{"serve"}, "pgowl: PGOWL_LISTEN: "},
		{"a bad port", []string{"PGOWL_HTTP=127.0.0.1:66000"}, []string{"serve"}, "pgowl: PGOWL_HTTP: "},
		{"a bad URL", []string{"PGOWL_UPSTREAM=mysql://root:hush@db/x"}, []string{"serve"}, "pgowl: PGOWL_UPSTREAM: "},
		{"a bad service URL", []string{upstream, "PGOWL_SERVICE=postgres://u:hush%zz@db/x"}, []string{"serve"}, "pgowl: PGOWL_SERVICE: "},
		{"a service without upstream", []string{"PGOWL_SERVICE=postgres://u:hush@db/x"}, []string{"serve"}, "pgowl: PGOWL_SERVICE: "},
		{"a bad REST connection", []string{"PGOWL_REST_DB=hush"}, []string{"serve"}, "pgowl: PGOWL_REST_DB: "},
		{"a short secret", []string{"PGOWL_JWT_SECRET=hush"}, []string{"serve"}, "pgowl: PGOWL_JWT_SECRET: has 4 characters, needs 32 or more"},
		{"an empty schema name", []string{"PGOWL_REST_SCHEMAS=public,,x"}, []string{"serve"}, "pgowl: PGOWL_REST_SCHEMAS: "},
		{"a library that is not there", []string{"PGOWL_ONNXRUNTIME=" + file + ".so"}, []string{"serve"}, "pgowl: PGOWL_ONNXRUNTIME: "},
		{"a data folder that is a file", []string{"PGOWL_DATA=" + file}, []string{"serve"}, "pgowl: PGOWL_DATA: "},
		{"a model folder that is a file", []string{"PGOWL_MODELS=" + file}, []string{"serve"}, "pgowl: PGOWL_MODELS: "},
		{"a log level that is none", []string{"PGOWL_LOG_LEVEL=loud"}, []string{"serve"}, `pgowl: PGOWL_LOG_LEVEL: "loud" is none of debug, info, warn, error`},
		{"a log format that is none", []string{"PGOWL_LOG_FORMAT=xml"}, []string{"serve"}, "pgowl: PGOWL_LOG_FORMAT: "},
		{"a certificate without its key", []string{"PGOWL_TLS_CERT=" + file}, []string{"serve"}, "pgowl: PGOWL_TLS_CERT: needs PGOWL_TLS_KEY"},
		{"a certificate that is none", []string{"PGOWL_TLS_CERT=" + file, "PGOWL_TLS_KEY=" + file}, []string{"serve"}, "pgowl: PGOWL_TLS_CERT: "},
		{"no command", nil, nil, "pgowl: no command: "},
		{"an unknown command", nil, []string{"server"}, "pgowl: server: no such command"},
		{"an address in use", []string{upstream, "PGOWL_LISTEN=" + takenAddress(t)}, []string{"serve"}, "pgowl: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), binary, c.args...)
			cmd.Env = append(append(child.WithoutPrefix(os.Environ(), "PGOWL_"), "PGOWL_DATA="+data), c.env...)
			var out, messages strings.Builder
			cmd.Stdout, cmd.Stderr = &out, &messages
			err := cmd.Run()
			got := messages.String()
			if cmd.ProcessState.ExitCode() != 1 || out.Len() != 0 || strings.Count(got, "\n") != 1 || !strings.HasPrefix(got, c.want) {
				t.Errorf("%v, exit status %d, %q and %q, want 1 and one line beginning with %q", err, cmd.ProcessState.ExitCode(), out.String(), got, c.want)
			}
			if strings.Contains(got, "hush") {
				t.Errorf("a secret is shown: %s", got)
			}
			if _, err := os.Stat(data); err == nil {
				t.Error("a data folder was made")
			}
		})
	}
}

// takenAddress is one that somebody listens on.
func takenAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}
