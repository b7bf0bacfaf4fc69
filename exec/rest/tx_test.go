package rest

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// count asks the database how many notes there are.
func count(t *testing.T, admin string) (n int) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), admin)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(context.Background(), "SELECT count(*) FROM api.notes").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestTransactionsEnd(t *testing.T) {
	for _, c := range []struct {
		name    string
		end     TxEnd
		headers []string
		status  int
		rows    int // 3 before
	}{
		{"commit", Commit, nil, 200, 4},
		{"no choice", Commit, []string{"Prefer: tx=rollback"}, 200, 4},
		{"choice", CommitOverride, []string{"Prefer: tx=rollback"}, 200, 3},
		{"rollback", Rollback, []string{"Prefer: tx=commit"}, 200, 3},
		{"rollback unless", RollbackOverride, []string{"Prefer: tx=commit"}, 200, 4},
		{"failed check", Commit, []string{"Accept: image/png"}, 406, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, admin := serve(t, func(o *Options) { o.TxEnd = c.end })
			a := ask(t, s, "POST", "/rpc/write", `{"id":50,"txt":"x"}`, c.headers...)
			if n := count(t, admin); a.status != c.status || n != c.rows {
				t.Errorf("got %d %s, %d rows; want %d, %d rows", a.status, a.body, n, c.status, c.rows)
			}
		})
	}
}

func TestFailureRollsBackAndLeavesTheConnection(t *testing.T) {
	s, admin := serve(t, func(o *Options) { o.PoolSize = 1 })
	pid := ask(t, s, "GET", "/rpc/whoami", "")
	if pid.status != 200 {
		t.Fatal(pid.body)
	}
	if a := ask(t, s, "POST", "/rpc/write", `{"id":1,"txt":"x"}`); a.status != 409 || !strings.Contains(a.body, `"details":"Key (id)=(1) already exists."`) {
		t.Errorf("got %d %s", a.status, a.body)
	}
	a := ask(t, s, "POST", "/rpc/headers", `{"h":"x","s":""}`)
	if a.status != 500 {
		t.Errorf("got %d %s", a.status, a.body)
	}
	s.pool.mu.Lock()
	idle := len(s.pool.idle)
	s.pool.mu.Unlock()
	if idle != 1 {
		t.Errorf("%d connections are idle, want the one", idle)
	}
	if n := count(t, admin); n != 3 {
		t.Errorf("%d rows", n)
	}
}

func TestSettings(t *testing.T) {
	s, _ := serve(t, func(o *Options) { o.Settings = []Setting{{"app.settings.x", "y"}} })
	get := func(name string, headers ...string) string {
		t.Helper()
		a := ask(t, s, "GET", "/rpc/setting?name="+name, "", headers...)
		var value string
		if a.status != 200 || json.Unmarshal([]byte(a.body), &value) != nil {
			t.Fatalf("%s: got %d %s", name, a.status, a.body)
		}
		return value
	}
	tok := token(t, `{"role":"rest_user","id":12345678901234567890,"x":"<&>"}`)
	for _, c := range []struct {
		name    string
		headers []string
		want    string
	}{
		{"role", nil, "rest_anon"},
		{"role", []string{tok}, "rest_user"},
		{"request.jwt.claims", nil, `{"role":"rest_anon"}`},
		{"request.jwt.claims", []string{tok}, `{"id":12345678901234567890,"role":"rest_user","x":"<&>"}`},
		{"request.method", nil, "GET"},
		{"request.path", nil, "/rpc/setting"},
		{"request.headers", []string{"Cookie: a=b", "X-Y: z"}, `{"host":"example.com","x-y":"z"}`},
		{"request.cookies", []string{"Cookie: a=b; c=d"}, `{"a":"b","c":"d"}`},
		{"search_path", nil, `"api", "public"`},
		{"app.settings.x", nil, "y"},
		{"transaction_read_only", nil, "on"},
		{"transaction_isolation", nil, "read committed"},
		{"transaction_isolation", []string{tok}, "repeatable read"},
		{"statement_timeout", nil, "0"},
		{"statement_timeout", []string{tok}, "7s"},
	} {
		if got := get(c.name, c.headers...); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
	// Nothing stays in the connection.
	if got := get("statement_timeout"); got != "0" {
		t.Errorf("the role's setting stayed: %s", got)
	}
}

func TestPreRequest(t *testing.T) {
	s, _ := serve(t, func(o *Options) { o.PreRequest = []string{"api", "only_user"} })
	if a := ask(t, s, "POST", "/rpc/nothing", ""); a.status != 401 || a.header.Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("got %d %s", a.status, a.body)
	}
	if a := ask(t, s, "POST", "/rpc/nothing", "", token(t, `{"role":"rest_user"}`)); a.status != 204 {
		t.Errorf("got %d %s", a.status, a.body)
	}
}

func TestAuthentication(t *testing.T) {
	s, _ := serve(t, nil)
	closed, _ := serve(t, func(o *Options) { o.AnonRole = "" })
	keyless, _ := serve(t, func(o *Options) { o.JWTSecret = "" })
	user := token(t, `{"role":"rest_user"}`)
	for _, c := range []struct {
		name   string
		server *Server
		header string
		path   string
		status int
		want   string
	}{
		{"anonymous", s, "", "/rpc/whoami", 200, `"rest_anon"`},
		{"user", s, user, "/rpc/whoami", 200, `"rest_user"`},
		{"scheme in any case", s, strings.Replace(user, "Bearer", "bEARER", 1), "/rpc/whoami", 200, `"rest_user"`},
		{"other scheme", s, "Authorization: Basic YTpi", "/rpc/whoami", 200, `"rest_anon"`},
		{"token without a role", s, token(t, `{"a":1}`), "/rpc/whoami", 200, `"rest_anon"`},
		{"empty token", s, "Authorization: Bearer", "/rpc/whoami", 401, "PGRST301"},
		{"expired", s, token(t, `{"role":"rest_user","exp":1}`), "/rpc/whoami", 401, `"message":"JWT expired"`},
		{"bad signature", s, user + "x", "/rpc/whoami", 401, "PGRST301"},
		{"no such role", s, token(t, `{"role":"nobody"}`), "/rpc/whoami", 401, `role \"nobody\" does not exist`},
		{"role with a NUL", s, token(t, `{"role":"a\u0000"}`), "/rpc/whoami", 400, "22021"},
		{"role that is a number", s, token(t, `{"role":7}`), "/rpc/whoami", 401, `role \"7\" does not exist`},
		{"role that is not ours to take", s, token(t, `{"role":"postgres"}`), "/rpc/whoami", 403, "42501"},
		{"expired on a bad path", s, token(t, `{"exp":1}`), "/a/b/c", 401, "PGRST303"},
		{"not allowed anonymously", s, "", "/rpc/only_user", 401, "42501"},
		{"anonymous is disabled", closed, "", "/rpc/whoami", 401, "PGRST302"},
		{"token without a role, disabled", closed, token(t, `{}`), "/rpc/whoami", 401, "PGRST302"},
		{"user, disabled", closed, user, "/rpc/whoami", 200, `"rest_user"`},
		{"no secret", keyless, user, "/rpc/whoami", 500, `{"code":"PGRST300","message":"Server lacks JWT secret","details":null,"hint":null}`},
		{"no secret, anonymous", keyless, "", "/rpc/whoami", 200, `"rest_anon"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var headers []string
			if c.header != "" {
				headers = append(headers, c.header)
			}
			method := "GET"
			if c.path == "/rpc/only_user" {
				method = "POST"
			}
			a := ask(t, c.server, method, c.path, "", headers...)
			if a.status != c.status || !strings.Contains(a.body, c.want) {
				t.Errorf("got %d %s, want %d %s", a.status, a.body, c.status, c.want)
			}
			if bad := a.header.Get("WWW-Authenticate"); (a.status == 401) != (bad != "") {
				t.Errorf("status %d, WWW-Authenticate: %q", a.status, bad)
			}
		})
	}
}
