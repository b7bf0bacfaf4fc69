package vectorize

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// What goes wrong says what, with an SQLSTATE that clients can act upon.
func TestSQLStates(t *testing.T) {
	w := open(t)
	bob := w.dial(strings.Replace(w.owl, w.alice, w.bob, 1))
	w.run(w.super, fmt.Sprintf(`CREATE SCHEMA closed; GRANT USAGE ON SCHEMA closed TO %[1]s; CREATE TABLE closed.docs (id int PRIMARY KEY, body text); ALTER TABLE closed.docs OWNER TO %[1]s;
		CREATE SCHEMA narrow; GRANT USAGE ON SCHEMA narrow TO %[1]s, %[2]s; CREATE TABLE narrow.docs (id int PRIMARY KEY, body text); ALTER TABLE narrow.docs OWNER TO %[1]s`, w.alice, w.owner))
	w.run(w.me, `CREATE TABLE docs (id int PRIMARY KEY, body text, title text, plain text); INSERT INTO docs VALUES (1, 'one', 'one'); CREATE TABLE plain (id int PRIMARY KEY, body text);
		CREATE TABLE nokey (id int, body text); CREATE TABLE floats (id float PRIMARY KEY, body text); CREATE TABLE numbers (id int PRIMARY KEY, body int);
		CREATE TABLE parts (id int PRIMARY KEY, body text) PARTITION BY RANGE (id); CREATE TABLE part PARTITION OF parts DEFAULT;
		CREATE VIEW view AS SELECT 1 AS id, ''::text AS body; CREATE UNLOGGED TABLE fast (id int PRIMARY KEY, body text)`)
	w.ask(w.me, "SELECT pgml.vectorize('docs', 'body')")
	w.ask(w.me, "SELECT pgml.vectorize('docs', 'title')")
	w.settled()
	if w.ask(w.super, "SELECT current_setting('server_version_num')::int >= 180000") == "true" {
		w.run(w.me, "CREATE TABLE virtual (id int PRIMARY KEY, plain text, body text GENERATED ALWAYS AS (upper(plain)) VIRTUAL)")
		w.refused(w.me, "0A000", "SELECT pgml.vectorize('virtual', 'body')")
	}
	if _, err := w.me.Exec(t.Context(), "SELECT pgml.vectorize('parts', 'body')"); err == nil || !strings.Contains(err.(*pgconn.PgError).Hint, "FOR EACH ROW") {
		t.Errorf("got %v, want a hint", err)
	}
	docs := "(SELECT '" + w.alice + ".docs'::regclass::oid)"
	for _, c := range []struct {
		conn       *pgx.Conn
		code, part string
		sql        string
	}{
		{w.me, "42P01", `relation "none" does not exist`, "SELECT pgml.vectorize('none', 'body')"},
		{w.me, "42P01", "does not exist", "SELECT pgml.vectorize(NULL, 'body')"},
		{w.me, "22004", "chunk alone may be NULL", "SELECT pgml.vectorize('docs', NULL)"},
		{w.me, "22004", "chunk alone may be NULL", "SELECT pgml.vectorize('docs', 'body', kwargs => NULL)"},
		{w.me, "22004", "chunk alone may be NULL", "SELECT pgml.vectorize('docs', 'body', chunk_kwargs => NULL)"},
		{w.me, "42703", `column "none" of relation "docs"`, "SELECT pgml.vectorize('docs', 'none')"},
		{w.me, "42804", "is of type integer", "SELECT pgml.vectorize('numbers', 'body')"},
		{w.me, "42809", "is not a table", "SELECT pgml.vectorize('view', 'body')"},
		{w.me, "42809", "permanent table", "SELECT pgml.vectorize('fast', 'body')"},
		{w.me, "42P10", "no key", "SELECT pgml.vectorize('nokey', 'body')"},
		{w.me, "0A000", "no key", "SELECT pgml.vectorize('floats', 'body')"},
		{w.me, "0A000", "partition", "SELECT pgml.vectorize('parts', 'body')"},
		{w.me, "0A000", "partition", "SELECT pgml.vectorize('part', 'body')"},
		{bob, "42501", "must be owner of table docs", "SELECT pgml.vectorize('" + w.alice + ".docs', 'body')"},
		{w.me, "42501", "permission denied for schema closed", "SELECT pgml.vectorize('closed.docs', 'body')"},
		{w.me, "42501", "permission denied for schema narrow", "SELECT pgml.vectorize('narrow.docs', 'body')"},
		{w.me, "XX000", "none", "SELECT pgml.vectorize('docs', 'plain', 'none')"},
		{w.me, "22023", "", "SELECT pgml.vectorize('docs', 'plain', '../none')"},
		{w.me, "22023", "", `SELECT pgml.vectorize('docs', 'plain', kwargs => '{"none": 1}')`},
		{w.me, "XX000", "", "SELECT pgml.vectorize('docs', 'plain', chunk => 'none')"},
		{w.me, "22023", "", `SELECT pgml.vectorize('docs', 'plain', chunk => 'character', chunk_kwargs => '{"chunk_size": "x"}')`},
		{w.dial(w.as(w.alice)), "55000", "", "SELECT pgml.vectorize('docs', 'plain')"}, // not through PgOwl

		{w.me, "42P01", `relation "none" does not exist`, "SELECT pgml.FUNCTION('none', 'body')"},
		{w.me, "42P01", "does not exist", "SELECT pgml.FUNCTION(NULL, 'body')"},
		{w.me, "42703", `column "none" of relation "docs"`, "SELECT pgml.FUNCTION('docs', 'none')"},
		{w.me, "42703", "does not exist", "SELECT pgml.FUNCTION('docs', NULL)"},
		{w.me, "42704", `column "plain" of relation "docs" is not vectorized`, "SELECT pgml.FUNCTION('docs', 'plain')"},
		{bob, "42501", "must be owner of table docs", "SELECT pgml.FUNCTION('" + w.alice + ".docs', 'body')"},

		{w.me, "22023", "there is no action 'none'", "SELECT pgowl.vectorize_ask('none', " + docs + ", 'docs', 'body')"},
		{w.me, "22023", "there is no action NULL", "INSERT INTO pgowl.vectorize_requests (relation, column_name) VALUES (" + docs + ", 'body')"},
		{w.me, "42P01", "relation does not exist", "INSERT INTO pgowl.vectorize_requests (action, relation, column_name) VALUES ('pause', 1, 'body')"},
		{w.me, "42703", "", "INSERT INTO pgowl.vectorize_requests (action, relation) VALUES ('pause', " + docs + ")"},
		{w.me, "42501", "", "INSERT INTO pgowl.vectorize_requests (action, relation, column_name, id) VALUES ('pause', " + docs + ", 'body', 1)"},
		{w.me, "42501", "", "SELECT pgowl.vectorize_drop(1)"},

		{w.me, "42P01", `relation "none" does not exist`, "SELECT * FROM pgml.search('none', 'text')"},
		{w.me, "42704", "plain is vectorized", "SELECT * FROM pgml.search('plain', 'text')"},
		{w.me, "42704", `docs is not vectorized`, "SELECT * FROM pgml.search('docs', 'text', column_name => 'plain')"},
		{w.me, "42702", "several columns", "SELECT * FROM pgml.search('docs', 'text')"},
		{w.me, "22023", "k must be 1 or more", "SELECT * FROM pgml.search('docs', 'text', 0, 'body')"},
		{w.me, "22023", "k must be 1 or more", "SELECT * FROM pgml.search('docs', 'text', NULL, 'body')"},
		{w.me, "22023", "one-dimensional", "SELECT * FROM pgml.search('docs', '{{a},{b}}'::text[], column_name => 'body')"},
		{w.me, "22004", "may not hold NULL", "SELECT * FROM pgml.search('docs', '{a,NULL}'::text[], column_name => 'body')"},
		{w.me, "22023", "", `SELECT * FROM pgml.search('docs', 'text', column_name => 'body', kwargs => '{"none": 1}')`},
		{bob, "42501", "permission denied for table", "SELECT * FROM pgml.search('" + w.alice + ".docs', 'text', column_name => 'body')"},
		{w.me, "42501", "permission denied for function search_candidates", "SELECT pgowl.search_candidates('docs', 'body', '{text}', 1, '{}', false, NULL, 'x', 'y')"},
	} {
		functions := []string{""}
		if strings.Contains(c.sql, "FUNCTION") {
			functions = []string{"unvectorize", "vectorize_pause", "vectorize_resume", "vectorize_retry"}
		}
		for _, f := range functions {
			sql := strings.ReplaceAll(c.sql, "FUNCTION", f)
			_, err := c.conn.Exec(t.Context(), sql)
			var pg *pgconn.PgError
			if !errors.As(err, &pg) || pg.Code != c.code || !strings.Contains(pg.Message, c.part) {
				t.Errorf("%s: got %v, want SQLSTATE %s and %q", sql, err, c.code, c.part)
			}
		}
	}
}
