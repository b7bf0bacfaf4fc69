package conf

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pgowl/pgowl/integration/pgtest"
)

const home = "HOME=/home/ann"

func TestDefaults(t *testing.T) {
	c, err := load([]string{"serve"}, []string{home}, false)
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Command: Serve, Listen: "127.0.0.1:6432", HTTP: "127.0.0.1:6480",
		Data: "/home/ann/.local/share/pgowl", Models: "/home/ann/.local/share/pgowl/models",
		RESTSchemas: []string{"public"}, Pool: "none", PoolSize: 20, PoolIdle: 10 * time.Minute, PoolWait: 2 * time.Minute, LogLevel: "info", MaxLogins: 1000, SQLNodes: 16384, ModelMemory: 1 << 30, TextMemory: 4 << 30, SearchMemory: 1 << 30, TextDevice: "auto", TextPrecision: "float32", TextRuntime: "auto", Vectorize: true, LoginTime: time.Minute, ShutdownTime: 30 * time.Second, TLSClient: "ask", Auth: "relay",
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
}

func TestDataFolder(t *testing.T) {
	for _, c := range []struct {
		name    string
		environ []string
		root    bool
		want    string
	}{
		{"home", []string{home}, false, "/home/ann/.local/share/pgowl"},
		{"XDG", []string{home, "XDG_DATA_HOME=/data"}, false, "/data/pgowl"},
		{"relative XDG is ignored", []string{home, "XDG_DATA_HOME=data"}, false, "/home/ann/.local/share/pgowl"},
		{"root", []string{"HOME=/root"}, true, "/var/lib/pgowl"},
		{"root with XDG", []string{"HOME=/root", "XDG_DATA_HOME=/data"}, true, "/data/pgowl"},
		{"set", []string{home, "PGOWL_DATA=/srv/owl"}, false, "/srv/owl"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := load([]string{"serve"}, c.environ, c.root)
			if err != nil || got.Data != c.want {
				t.Errorf("got %q, %v, want %q", got.Data, err, c.want)
			}
		})
	}
}

func TestOrderOfSources(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pgowl.conf")
	text := "# all three\nlisten = 127.0.0.1:1\n\n  http=127.0.0.1:1\nlog_level = \"debug\"\nrest_schemas = api, public\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := load([]string{"--listen", "127.0.0.1:3", "serve", "--config=" + file},
		[]string{home, "PGOWL_LISTEN=127.0.0.1:2", "PGOWL_HTTP=127.0.0.1:2", "PGOWL_CONFIG=/not/this/one", "PGOWL_LOG_LEVEL="}, false)
	if err != nil {
		t.Fatal(err)
	}
	got := []any{c.Listen, c.HTTP, c.LogLevel, c.RESTSchemas}
	// An empty variable takes the file's setting back.
	want := []any{"127.0.0.1:3", "127.0.0.1:2", "info", []string{"api", "public"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestCommands(t *testing.T) {
	for _, c := range []struct {
		args    string
		command Command
		rest    []string
		err     string
	}{
		{args: "serve", command: Serve},
		{args: "init", command: Init},
		{args: "doctor", command: Doctor},
		{args: "version", command: Version},
		{args: "--version", command: Version},
		{args: "help", command: Help},
		{args: "serve --help", command: Help},
		{args: "models pull all-MiniLM-L12-v2", command: Models, rest: []string{"pull", "all-MiniLM-L12-v2"}},
		{args: "models list", command: Models, rest: []string{"list"}},
		{args: "models pull a/b@v1 c", command: Models, rest: []string{"pull", "a/b@v1", "c"}},
		{args: "models push a/b:c.onnx d", command: Models, rest: []string{"push", "a/b:c.onnx", "d"}},
		{args: "models rm --database a", command: Models, rest: []string{"rm", "--database", "a"}},
		{args: "models rm a --database", err: "pgowl models: --database stands behind rm, before the names"},
		{args: "models rm --database", err: "pgowl models: --database stands behind rm, before the names"},
		{args: "models list --database", err: "pgowl models: --database stands behind rm, before the names"},
		{args: "serve --database", err: "pgowl serve: takes no argument, got --database"},
		{args: "models verify", command: Models, rest: []string{"verify"}},
		{args: "models verify a b", command: Models, rest: []string{"verify", "a", "b"}},
		{args: "models rm a", command: Models, rest: []string{"rm", "a"}},
		{args: "models rm", err: "pgowl models: write pgowl models pull NAME[@REVISION][:GRAPH]..., push NAME[:GRAPH]..., verify [NAME]..., rm [--database] NAME... or list"},
		{args: "", err: "no command: pgowl serve, init, models, doctor, version or help"},
		{args: "models", err: "pgowl models: write pgowl models pull NAME[@REVISION][:GRAPH]..., push NAME[:GRAPH]..., verify [NAME]..., rm [--database] NAME... or list"},
		{args: "models pull", err: "pgowl models: write pgowl models pull NAME[@REVISION][:GRAPH]..., push NAME[:GRAPH]..., verify [NAME]..., rm [--database] NAME... or list"},
		{args: "serve now", err: "pgowl serve: takes no argument, got now"},
		{args: "server", err: "server: no such command; there are serve, init, models, doctor, version and help"},
		{args: "serve --lisen x", err: "--lisen: no such flag (did you mean --listen?); pgowl help lists them"},
		{args: "serve --listen", err: "--listen: needs a value"},
	} {
		t.Run(c.args, func(t *testing.T) {
			got, err := load(strings.Fields(c.args), []string{home}, false)
			if c.err != "" {
				if err == nil || err.Error() != c.err {
					t.Fatalf("got error %v, want %s", err, c.err)
				}
				return
			}
			if err != nil || got.Command != c.command || !reflect.DeepEqual(got.Args, c.rest) {
				t.Errorf("got %q %q, %v, want %q %q", got.Command, got.Args, err, c.command, c.rest)
			}
		})
	}
}

func TestVersionWorksWhateverTheSurroundings(t *testing.T) {
	if _, err := load([]string{"version"}, []string{"PGOWL_NONSENSE=1"}, false); err != nil {
		t.Error(err)
	}
}

func TestBadSettings(t *testing.T) {
	const pw = "s3cr3t"
	short := strings.Repeat("k", 31)
	for _, c := range []struct{ env, want string }{
		{"PGOWL_LISTN=1", "PGOWL_LISTN: no such setting (did you mean PGOWL_LISTEN?)"},
		{"PGOWL_WHATEVER=1", "PGOWL_WHATEVER: no such setting"},
		{"PGOWL_AUTH=none", `PGOWL_AUTH: "none" is none of relay, users, password`},
		{"PGOWL_AUTH=users", "PGOWL_AUTH: users needs PGOWL_USERS beside it"},
		{"PGOWL_USERS=/no/file", `PGOWL_USERS: "/no/file" does not exist`},
		{"PGOWL_TLS_CLIENT=require", "PGOWL_TLS_CLIENT: needs PGOWL_TLS_CA beside it"},
		{"PGOWL_LISTEN=6432", `PGOWL_LISTEN: "6432" is no address of the form host:port`},
		{"PGOWL_LISTEN=a:1,,/run", `PGOWL_LISTEN: "" is no address of the form host:port`},
		{"PGOWL_LISTEN=/run,a", `PGOWL_LISTEN: "a" is no address of the form host:port`},
		{"PGOWL_LISTEN=localhost:http", `PGOWL_LISTEN: "localhost:http" has no port from 0 to 65535`},
		{"PGOWL_HTTP=localhost:65536", `PGOWL_HTTP: "localhost:65536" has no port from 0 to 65535`},
		{"PGOWL_UPSTREAM=host=db password=" + pw, "PGOWL_UPSTREAM: is no URL of the form postgres://user:password@host:port/database"},
		{"PGOWL_UPSTREAM=mysql://u:" + pw + "@h/d", "PGOWL_UPSTREAM: is no URL of the form postgres://user:password@host:port/database"},
		{"PGOWL_UPSTREAM=postgres://u:" + pw + "%@h/d", "PGOWL_UPSTREAM: is a malformed URL (a password's special characters must be written as %XX)"},
		{"PGOWL_UPSTREAM=postgres://u:" + pw + "#@h/d", "PGOWL_UPSTREAM: is a malformed URL (a password's special characters must be written as %XX)"},
		{"PGOWL_UPSTREAM=postgres://u:p@h:99999/d", "PGOWL_UPSTREAM: has a port outside of 1 to 65535"},
		{"PGOWL_UPSTREAM=postgres://u:p@a,b:70000/d", "PGOWL_UPSTREAM: has a port outside of 1 to 65535"},
		{"PGOWL_SERVICE=postgres://u:" + pw + "@h/d", "PGOWL_SERVICE: has a meaning only beside PGOWL_UPSTREAM, which is not set"},
		{"PGOWL_JWT_SECRET=" + short, "PGOWL_JWT_SECRET: has 31 characters, needs 32 or more"},
		{"PGOWL_REST_SCHEMAS=a,,b", "PGOWL_REST_SCHEMAS: holds an empty name"},
		{"PGOWL_REST_SCHEMAS=a,b,a", `PGOWL_REST_SCHEMAS: names "a" twice`},
		{"PGOWL_LOG_LEVEL=loud", `PGOWL_LOG_LEVEL: "loud" is none of debug, info, warn, error`},
		{"PGOWL_LOG_FORMAT=xml", `PGOWL_LOG_FORMAT: "xml" is none of console, json`},
		{"PGOWL_ONNXRUNTIME=/no/lib.so", `PGOWL_ONNXRUNTIME: "/no/lib.so" does not exist`},
		{"PGOWL_MODELS=/etc/passwd", `PGOWL_MODELS: "/etc/passwd" is no folder`},
		{"PGOWL_TLS_CERT=/etc/passwd", "PGOWL_TLS_CERT: needs PGOWL_TLS_KEY beside it"},
		{"PGOWL_TLS_KEY=/etc/passwd", "PGOWL_TLS_KEY: needs PGOWL_TLS_CERT beside it"},
		{"PGOWL_CONFIG=/no/such.conf", `PGOWL_CONFIG: "/no/such.conf" cannot be read`},
		{"PGOWL_REST_ANON_ROLE=a\nb", "PGOWL_REST_ANON_ROLE: holds a control character or bytes that are no UTF-8"},
	} {
		t.Run(c.env, func(t *testing.T) {
			_, err := load([]string{"serve"}, []string{home, c.env}, false)
			if err == nil || err.Error() != c.want {
				t.Fatalf("got  %v\nwant %s", err, c.want)
			}
			if strings.Contains(err.Error(), pw) || strings.Contains(err.Error(), short) || strings.Contains(err.Error(), "\n") {
				t.Errorf("a secret or a second line in %q", err)
			}
		})
	}
}

// TestServiceAlone: what speaks to the database alone needs no upstream.
func TestServiceAlone(t *testing.T) {
	for args, fine := range map[string]bool{"models push a": true, "models list": true, "init": true, "doctor": false} {
		_, err := load(strings.Fields(args), []string{home, "PGOWL_SERVICE=postgres://u@h/d"}, false)
		if (err == nil) != fine {
			t.Errorf("%s: got %v", args, err)
		}
	}
}

func TestSeveralHosts(t *testing.T) {
	for _, url := range []string{"postgres://u:p@a:1,b:2,[::1]:3/d?target_session_attrs=primary", "postgres://u:p@a,b/d", "postgres:///d?host=/run/postgresql,/tmp",
		"postgres://u:p@h", "postgresql://[::1]/d", "postgres://u@:5433/d"} {
		c, err := load([]string{"serve"}, []string{home, "PGOWL_UPSTREAM=" + url}, false)
		if err != nil || string(c.Upstream) != url {
			t.Errorf("%s: got %v", url, err)
		}
	}
}

func TestBadFiles(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"listen", "x:1: is no line of the form key = value"},
		{"\nlogg_level = info", "x:2: logg_level: no such setting (did you mean log_level?)"},
		{"config = other.conf", "x:1: config: cannot be set in a file"},
		{"http = a:1\nhttp = a:2", "x:1: http: is set twice, again in line 2"},
	} {
		if _, err := parseLines("x", c.text); err == nil || err.Error() != c.want {
			t.Errorf("%q: got %v, want %s", c.text, err, c.want)
		}
	}
	file := filepath.Join(t.TempDir(), "x.conf")
	if err := os.WriteFile(file, []byte("\nlog_level = loud\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := load([]string{"serve"}, []string{home, "PGOWL_CONFIG=" + file}, false)
	if want := `x.conf:2: log_level: "loud" is none of debug, info, warn, error`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	c, err := load([]string{"serve"}, []string{home, "HF_TOKEN=hf-s3cr3t", "PGOWL_UPSTREAM=postgres://u:s3cr3t@h/d", "PGOWL_JWT_SECRET=" + strings.Repeat("s3cr3t", 6)}, false)
	if err != nil {
		t.Fatal(err)
	}
	if string(c.Upstream) != "postgres://u:s3cr3t@h/d" {
		t.Errorf("string(Upstream): got %q", string(c.Upstream))
	}
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{fmt.Sprint(c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c), fmt.Sprintf("%q", c.Upstream), fmt.Sprintf("%x", c.Upstream), string(asJSON)} {
		if strings.Contains(shown, "s3cr3t") || strings.Contains(shown, "733363723374") {
			t.Errorf("a secret in %s", shown)
		}
	}
}

func TestTLSFilesMustFit(t *testing.T) {
	dir := t.TempDir()
	cert, key := pgtest.PEMFiles(t, dir, "a", pgtest.Certificate(t, "a", nil))
	_, other := pgtest.PEMFiles(t, dir, "b", pgtest.Certificate(t, "b", nil))
	if _, err := load([]string{"serve"}, []string{home, "PGOWL_TLS_CERT=" + cert, "PGOWL_TLS_KEY=" + key}, false); err != nil {
		t.Error(err)
	}
	_, err := load([]string{"serve"}, []string{home, "PGOWL_TLS_CERT=" + cert, "PGOWL_TLS_KEY=" + other}, false)
	if err == nil || !strings.HasPrefix(err.Error(), "PGOWL_TLS_CERT: not usable with PGOWL_TLS_KEY: ") {
		t.Errorf("a key of another certificate: got %v", err)
	}
}

func TestUsageNamesEverySetting(t *testing.T) {
	text := Usage()
	for _, s := range settings {
		if !strings.Contains(text, s.flag()+" ") || !strings.Contains(text, s.env()) {
			t.Errorf("%s is not in the usage", s.key)
		}
	}
}

func FuzzLines(f *testing.F) {
	f.Add("listen = a:1\n# x\nhttp=\"b:2\"")
	f.Add("=\n\"")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseLines("x", text)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %q", err)
			}
			return
		}
		for key := range got {
			if _, ok := byKey(key); !ok {
				t.Errorf("unknown key %q got through", key)
			}
		}
	})
}
