package wire

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// code runs a statement and gives its SQLSTATE, "" for success. simple is the protocol.
func code(t *testing.T, conn *pgx.Conn, simple bool, sql string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var err error
	if simple {
		_, err = conn.PgConn().Exec(ctx, sql).ReadAll()
	} else {
		err = conn.PgConn().ExecParams(ctx, sql, nil, nil, nil, nil).Read().Err
	}
	if err == nil {
		return ""
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		t.Fatalf("%s: %v", sql, err)
	}
	return pg.Code
}

// A REVOKE holds on every way in: in each lane, by hand, and for a role that was taken on.
func TestRevokeHolds(t *testing.T) {
	w := open(t)
	admin := w.connect(t, w.owl)
	const train = "pgml.train(text,text,text,text,pgml.algorithm,jsonb,pgml.search,jsonb,jsonb,real,pgml.sampling,pgml.runtime,boolean,boolean,jsonb,text,text,text,text)"
	all := []string{"pgml.predict(text,real[])", "pgml.predict(text,integer[])", "pgml.predict(bigint,real[])", "pgml.predict_proba(text,real[])",
		"pgml.embed(text,text,jsonb)", "pgml.embed(text,text[],jsonb)", train}
	change := func(verb, which string) {
		if _, err := admin.Exec(context.Background(), verb+" EXECUTE ON FUNCTION "+strings.Join(all, ", ")+which+" PUBLIC"); err != nil {
			t.Fatal(err)
		}
	}
	change("REVOKE", " FROM")
	defer change("GRANT", " TO")
	calls := []string{
		"SELECT pgml.predict('line', '{1,2}'::real[])",
		"SELECT pgml.predict('line', '{1,2}'::int[])",
		"SELECT 1 WHERE pgml.predict('line', '{1,2}'::real[]) > 0",
		"SELECT pgml.predict(1::bigint, '{1,2}'::real[])",
		"SELECT pgml.predict_proba('kinds', '{1,2}'::real[])",
		"SELECT pgml.predict('line', x) FROM inputs",
		"SELECT id, pgml.predict('line', x) FROM inputs WHERE false",
		"SELECT id FROM inputs WHERE pgml.predict('line', x) > 0",
		"SELECT pgml.predict('line', pgml.embed('all-MiniLM-L6-v2', 'x'))",
		"SELECT pgml.embed('all-MiniLM-L6-v2', 'x')",
		"SELECT pgml.embed('all-MiniLM-L6-v2', t) FROM inputs",
		"SELECT pgml.embed('all-MiniLM-L6-v2', ARRAY['x'])",
		"SELECT * FROM pgml.train('line', 'regression', 'inputs', 'id', 'xgboost')",
		"SELECT pgml.train('line')",
		"DO $$ BEGIN PERFORM pgml.predict('line', '{1,2}'::real[]); END $$",
		"SELECT pgowl.call('embed', ARRAY['a'::bytea, 'b', '{}'])",
		"SELECT pgowl.call_still('embed', ARRAY['a'::bytea, 'b', '{}'])",
		"SELECT pgowl.ask_still(repeat('a', 32), 'call embed YQ== YQ== e30=')",
		"SELECT pgowl.converse(repeat('a', 32), 'call embed YQ== YQ== e30=')",
		"SELECT pgowl.ask(repeat('a', 32), 'call embed YQ== YQ== e30=')",
		"SELECT pgowl.drive('" + train + "', '{}')",
		"SELECT pgowl.drive('pgml.predict(text,real[])', '{}')",
		"SELECT pgowl.begin_call(repeat('a', 32), '" + train + "', '{}', i.name, i.proof) FROM pgowl.identity i",
		"SELECT pgowl.begin_call(repeat('a', 32), '" + train + "', '{}', 'postgres', i.proof) FROM pgowl.identity i",
		"SELECT pgowl.begin_call(repeat('a', 32), '" + train + "', '{}', NULL, NULL)",
		"SELECT pgowl.begin_call(repeat('a', 32), '" + train + "', '{}', NULL, i.proof) FROM pgowl.identity i",
		"SELECT pgowl.begin_call(repeat('a', 32), '" + train + "', '{}', i.name, NULL) FROM pgowl.identity i",
		"SELECT pgowl.live_model('line')",
		"SELECT * FROM pgowl.secret",
		"SELECT * FROM pgowl.replies",
		"INSERT INTO pgowl.replies VALUES ('a', 'b')",
		"SELECT data FROM pgml.files",
		"UPDATE pgml.deployments SET model_id = 1",
	}
	try := func(t *testing.T, conn *pgx.Conn) {
		for _, sql := range calls {
			for _, simple := range []bool{true, false} {
				if got := code(t, conn, simple, sql); got != "42501" {
					t.Errorf("simple %v: %s: got %q, want 42501", simple, sql, got)
				}
			}
		}
	}
	plain := w.owl
	t.Run("log in", func(t *testing.T) { try(t, w.connectAs(t, plain, "wire_plain")) })
	t.Run("set role", func(t *testing.T) {
		conn := w.connect(t, plain)
		if _, err := conn.Exec(context.Background(), "SET ROLE wire_plain"); err != nil {
			t.Fatal(err)
		}
		try(t, conn)
	})
	t.Run("set local role", func(t *testing.T) {
		conn := w.connect(t, plain)
		for _, sql := range calls {
			for _, q := range []string{"BEGIN", "SET LOCAL ROLE wire_plain"} {
				if c := code(t, conn, true, q); c != "" {
					t.Fatal(q, c)
				}
			}
			if got := code(t, conn, false, sql); got != "42501" {
				t.Errorf("%s: got %q, want 42501", sql, got)
			}
			code(t, conn, true, "ROLLBACK")
		}
	})
	t.Run("definer", func(t *testing.T) {
		// What somebody who may has made for others goes on working.
		if c := code(t, admin, true, "CREATE FUNCTION lent() RETURNS real LANGUAGE sql SECURITY DEFINER AS $$ SELECT pgml.predict('line', '{1,2}'::real[]) $$"); c != "" {
			t.Fatal(c)
		}
		conn := w.connectAs(t, plain, "wire_plain")
		if got := code(t, conn, true, "SELECT lent()"); got != "" {
			t.Errorf("lent(): got %q", got)
		}
	})
}

// A resumed call that never was, and pieces of no stream, are answered with an error, not waited for.
func TestHelpersByHand(t *testing.T) {
	w := open(t)
	conn := w.connectAs(t, w.owl, "wire_plain")
	start := time.Now()
	for sql, want := range map[string]string{
		"SELECT pgowl.resume_call(repeat('a', 32), 'x')":   "55000",
		"SELECT pgowl.resume_call('short', 'x')":           "55000",
		"SELECT pgowl.send_piece(repeat('a', 32), 'x')":    "-",
		"SELECT pgowl.send_piece(repeat(E'\\n', 32), 'x')": "-",
		"SELECT pgowl.fail('22012', 'mine', NULL, NULL)":   "22012",
		"SELECT pgowl.later('x')":                          "-",
	} {
		for _, simple := range []bool{true, false} {
			if got := code(t, conn, simple, sql); got != want && want != "-" {
				t.Errorf("%s: got %q, want %q", sql, got, want)
			}
		}
	}
	if got := code(t, conn, true, "SELECT pgml.predict('line', '{1,2}'::real[]) FROM inputs WHERE random() >= 0"); got != "" {
		t.Errorf("afterwards: %s", got)
	}
	if d := time.Since(start); d > 15*time.Second {
		t.Errorf("took %v", d)
	}
}

// A session that goes around PgOwl, or hides that it does not, is told so at once.
func TestAroundPgOwl(t *testing.T) {
	w := open(t)
	const call = "DO $$ BEGIN PERFORM pgml.predict('line', '{1,2}'::real[]); END $$"
	direct := w.connect(t, w.direct)
	if got := code(t, direct, true, call); got != "55000" {
		t.Errorf("direct: got %q, want 55000", got)
	}
	through := w.connect(t, w.owl)
	for _, value := range []string{"''", "'x'", "'a.b.c'", "'..'", "'" + strings.Repeat("a", 5000) + "'"} {
		code(t, through, true, "SET pgowl.session = "+value)
		if got := code(t, through, true, call); got != "55000" {
			t.Errorf("pgowl.session = %.20s: got %q, want 55000", value, got)
		}
	}
	code(t, through, true, "RESET pgowl.session")
	if got := code(t, through, true, call); got != "" {
		t.Errorf("after RESET: got %q", got)
	}
	code(t, through, true, "DISCARD ALL")
	if got := code(t, through, true, call); got != "" {
		t.Errorf("after DISCARD ALL: got %q", got)
	}
	// Another session's token, of the same proxy: the call is still this session's own.
	var token string
	if err := w.connect(t, w.owl).QueryRow(context.Background(), "SHOW pgowl.session").Scan(&token); err != nil {
		t.Fatal(err)
	}
	code(t, through, true, "SET pgowl.session = '"+token+"'")
	if got := code(t, through, true, call); got != "" {
		t.Errorf("another session's token: got %q", got)
	}
	// Somebody else's mailbox, or nobody's.
	for _, box := range []string{"1", "0", "-1", "2147483647", "''"} {
		code(t, through, true, "SET pgowl.mailbox = "+box)
		if got := code(t, through, true, call); got != "" {
			t.Errorf("pgowl.mailbox = %s: got %q", box, got)
		}
	}
}

// connectAs is connect as another role.
func (w *world) connectAs(t *testing.T, to target, user string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), "postgres://"+user+"@"+to.address+"/"+w.database+"?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}
