package rest

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/jackc/pgx/v5"

	"github.com/pgowl/pgowl/integration/pgtest"
)

const secret = "reallyreallyreallyreallyverysafe"

// schema is what the tests call. Roles belong to the server, not to the database.
const schema = `
DO $$ BEGIN
  CREATE ROLE rest_anon NOLOGIN;
  CREATE ROLE rest_user NOLOGIN;
  ALTER ROLE rest_user SET statement_timeout = '7s';
  ALTER ROLE rest_user SET default_transaction_isolation = 'repeatable read';
  CREATE ROLE rest_login LOGIN NOINHERIT;
  GRANT rest_anon, rest_user TO rest_login;
EXCEPTION WHEN duplicate_object THEN NULL;
END $$;
CREATE SCHEMA api; CREATE SCHEMA other; CREATE SCHEMA hidden;
GRANT USAGE ON SCHEMA api, other TO rest_anon, rest_user;
CREATE TABLE api.notes (id int PRIMARY KEY, txt text);
GRANT ALL ON api.notes TO rest_anon, rest_user;
INSERT INTO api.notes VALUES (1, 'one'), (2, 'two <&>'), (3, NULL);
CREATE TYPE api.mood AS ENUM ('sad', 'ok');
CREATE FUNCTION api.add(a int, b int DEFAULT 10) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT a + b';
CREATE FUNCTION api.hello(name text) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT 'Hello, ' || name$$;
CREATE FUNCTION api.all_notes() RETURNS SETOF api.notes STABLE LANGUAGE sql AS 'SELECT * FROM api.notes ORDER BY id';
CREATE FUNCTION api.note(id int) RETURNS api.notes STABLE LANGUAGE sql AS 'SELECT * FROM api.notes n WHERE n.id = note.id';
CREATE FUNCTION api.numbers(n int) RETURNS SETOF int STABLE LANGUAGE sql AS 'SELECT generate_series(1, n)';
CREATE FUNCTION api.clicks(input_string text) RETURNS TABLE(is_clickbait real) STABLE LANGUAGE sql AS 'SELECT 0.5::real';
CREATE FUNCTION api.nothing() RETURNS void LANGUAGE sql AS '';
CREATE FUNCTION api.feel(m api.mood) RETURNS text STABLE LANGUAGE sql AS $$SELECT m::text || '!'$$;
CREATE FUNCTION api.joined(VARIADIC v text[]) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT array_to_string(v, '|')$$;
CREATE FUNCTION api.echo(json) RETURNS json IMMUTABLE LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION api.size(bytea) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT length($1)';
CREATE FUNCTION api.write(id int, txt text) RETURNS int VOLATILE LANGUAGE sql AS 'INSERT INTO api.notes VALUES (id, txt) RETURNING id';
CREATE FUNCTION api.sneaky() RETURNS int STABLE LANGUAGE plpgsql AS $$BEGIN INSERT INTO api.notes VALUES (99, 'x'); RETURN 1; END$$;
CREATE FUNCTION api.twice(a int) RETURNS int LANGUAGE sql AS 'SELECT a';
CREATE FUNCTION api.twice(a text) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION api.setting(name text) RETURNS text STABLE LANGUAGE sql AS 'SELECT current_setting(name, true)';
CREATE FUNCTION api.whoami() RETURNS text STABLE LANGUAGE sql AS 'SELECT current_user::text';
CREATE FUNCTION api.boom(code text) RETURNS int LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION USING ERRCODE = code, MESSAGE = 'boom', DETAIL = 'd', HINT = 'h'; END$$;
CREATE FUNCTION api.raised(m text, d text) RETURNS int LANGUAGE plpgsql AS $$BEGIN RAISE SQLSTATE 'PGRST' USING MESSAGE = m, DETAIL = d; END$$;
CREATE FUNCTION api.headers(h text, s text) RETURNS int LANGUAGE sql AS $$SELECT set_config('response.headers', h, true); SELECT set_config('response.status', s, true); SELECT 1$$;
CREATE FUNCTION api.sleep() RETURNS void LANGUAGE sql AS 'SELECT pg_sleep(60)';
CREATE FUNCTION api.only_user() RETURNS int LANGUAGE sql AS 'SELECT 1';
REVOKE ALL ON FUNCTION api.only_user() FROM public; GRANT EXECUTE ON FUNCTION api.only_user() TO rest_user;
CREATE FUNCTION api.plain_rec() RETURNS record LANGUAGE sql AS $$SELECT 1 AS x, 'y'::text AS y$$;
CREATE FUNCTION api.bpchars(c char(3)) RETURNS text LANGUAGE sql AS 'SELECT c::text';
CREATE FUNCTION api.limited() RETURNS text LANGUAGE sql SET statement_timeout = '5s' SET default_transaction_isolation = 'serializable'
  AS $$SELECT current_setting('transaction_isolation')$$;
CREATE FUNCTION other.where_am_i() RETURNS text STABLE LANGUAGE sql AS $$SELECT current_setting('search_path')$$;
CREATE FUNCTION hidden.secret() RETURNS int LANGUAGE sql AS 'SELECT 1';
`

// database makes a new database with the schema and gives the URL of the authenticator.
func database(t testing.TB) (admin, login string) {
	t.Helper()
	admin = pgtest.Database(t)
	conn, err := pgx.Connect(context.Background(), admin)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(context.Background(), schema, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(admin)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.User("rest_login")
	return admin, u.String()
}

// serve starts a server on a new database. Options that are not given are those of the tests.
func serve(t testing.TB, change func(o *Options)) (*Server, string) {
	t.Helper()
	admin, login := database(t)
	o := Options{
		Connect:   func(ctx context.Context) (*pgx.Conn, error) { return pgx.Connect(ctx, login) },
		Schemas:   []string{"api"},
		AnonRole:  "rest_anon",
		JWTSecret: secret,
	}
	if change != nil {
		change(&o)
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop(context.Background()) })
	return s, admin
}

// answer is what came back.
type answer struct {
	status int
	body   string
	header http.Header
}

// ask sends one request; headers are "Name: value".
func ask(t testing.TB, s http.Handler, method, path, body string, headers ...string) answer {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	b, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{w.Code, string(b), w.Result().Header}
}

func token(t testing.TB, payload string) string {
	t.Helper()
	enc := base64.RawURLEncoding.EncodeToString
	text := enc([]byte(`{"alg":"HS256"}`)) + "." + enc([]byte(payload))
	sig, err := jwt.SigningMethodHS256.Sign(text, []byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return "Authorization: Bearer " + text + "." + enc(sig)
}

// eventually waits until something holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(20 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}
