package texts

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pgowl/pgowl/exec"
)

func TestChunkStandsWhereSetsMay(t *testing.T) {
	owl, _ := connect(t, exec.Options{})
	run(t, owl, `CREATE TABLE docs (id int PRIMARY KEY, body text)`)
	run(t, owl, `CREATE TABLE pieces (doc int, place bigint, chunk text)`)
	run(t, owl, `INSERT INTO docs VALUES (1, 'one two three four'), (2, 'fünf 😀 sechs'), (3, NULL), (4, '')`)
	run(t, owl, `CREATE VIEW chunked AS SELECT id, c.* FROM docs, pgml.chunk('recursive_character', body, '{"chunk_size": 10, "chunk_overlap": 0}') c`)
	run(t, owl, `CREATE FUNCTION cut(body text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN
		RETURN QUERY SELECT c.chunk FROM pgml.chunk('recursive_character', body, '{"chunk_size": 10, "chunk_overlap": 0}') c ORDER BY c.chunk_index DESC; END $$`)
	run(t, owl, `CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		DELETE FROM pieces WHERE doc = new.id;
		INSERT INTO pieces SELECT new.id, (pgml.chunk('character', new.body, '{"separator": " ", "chunk_size": 5, "chunk_overlap": 0}')).*;
		RETURN new; END $$`)
	run(t, owl, `CREATE TRIGGER keep AFTER INSERT OR UPDATE ON docs FOR EACH ROW EXECUTE FUNCTION keep()`)
	run(t, owl, `UPDATE docs SET body = body || ' end' WHERE id <= 2`)
	run(t, owl, `CREATE TABLE copied AS SELECT id, (c).chunk_index AS n, (c).chunk
		FROM (SELECT id, pgml.chunk('recursive_character', body, '{"chunk_size": 10, "chunk_overlap": 0}') AS c FROM docs) t`)
	for _, c := range []struct{ sql, want string }{
		{`SELECT string_agg(chunk_index || ':' || chunk, '|' ORDER BY chunk_index) FROM pgml.chunk('character', E'a\n\nb')`, "1:a\n\nb"},
		{`SELECT string_agg(chunk_index || ':' || chunk, '|' ORDER BY chunk_index) FROM pgml.chunk(splitter => 'character', "text" => 'a,b', kwargs => '{"separator": ",", "chunk_size": 1, "chunk_overlap": 0}')`, "1:a|2:b"},
		{`SELECT string_agg(id || ':' || chunk, '|' ORDER BY id, chunk_index) FROM chunked`, "1:one two|1:three|1:four end|2:fünf 😀|2:sechs end"},
		{`SELECT string_agg(c.chunk, '|' ORDER BY id, c.chunk_index) FROM docs CROSS JOIN LATERAL pgml.chunk('recursive_character', body, '{"chunk_size": 10, "chunk_overlap": 0}') c WHERE id = 1`, "one two|three|four end"},
		{`SELECT string_agg(x, '|') FROM (SELECT (pgml.chunk('recursive_character', body, '{"chunk_size": 10, "chunk_overlap": 0}')).chunk AS x FROM docs WHERE id = 2) t`, "fünf 😀|sechs end"},
		{`SELECT string_agg(n || ':' || chunk, '|' ORDER BY id, n) FROM copied`, "1:one two|2:three|3:four end|1:fünf 😀|2:sechs end"},
		{`SELECT string_agg(x, '|') FROM docs, cut(body) x WHERE id = 1`, "four end|three|one two"},
		{`SELECT string_agg(doc || ':' || place || ':' || chunk, '|' ORDER BY doc, place) FROM pieces`, "1:1:one|1:2:two|1:3:three|1:4:four|1:5:end|2:1:fünf|2:2:😀|2:3:sechs|2:4:end"},
		{`SELECT count(*)::text FROM pgml.chunk('character', NULL)`, "0"},
		{`SELECT count(*)::text FROM pgml.chunk('character', 'a', NULL)`, "0"},
		{`SELECT count(*)::text FROM pgml.chunk('recursive_character', '')`, "0"},
		{`SELECT count(*) || ' ' || sum(length(chunk)) FROM pgml.chunk('character', repeat('ä', 300000), '{"separator": "", "chunk_size": 1000, "chunk_overlap": 0}')`, "300 300000"},
		{`SELECT string_agg(chunk, '|') FROM pgml.chunk('character', 'ä  ö 😀 é', '{"separator": " ", "chunk_size": 5, "chunk_overlap": 3}')`, "ä ö 😀|ö 😀 é"},
		{`SELECT chunk FROM pgml.chunk('character', E'"\\ \u0001\n\t€')`, "\"\\ \x01\n\t€"},
	} {
		var got string
		if err := owl.QueryRow(t.Context(), c.sql).Scan(&got); err != nil || got != c.want {
			t.Errorf("%s: got %q, %v; want %q", c.sql, got, err, c.want)
		}
	}

	var got string
	if err := owl.QueryRow(t.Context(), `SELECT string_agg(chunk, '|') FROM pgml.chunk($1, $2, $3)`, "markdown", "a\n# b", `{"chunk_size": 4, "chunk_overlap": 0, "is_separator_regex": true}`).Scan(&got); err != nil || got != "a|# b" {
		t.Errorf("parameters: got %q, %v", got, err)
	}
	// A snapshot that stands still, a transaction that may not write, and an answer of many pieces.
	run(t, owl, `BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY`)
	if err := owl.QueryRow(t.Context(), `SELECT count(*) || ' ' || max(length(chunk)) FROM pgml.chunk('recursive_character', repeat('word ', 20000))`).Scan(&got); err != nil || got != "27 3999" {
		t.Errorf("read only: got %q, %v", got, err)
	}
	run(t, owl, `ROLLBACK`)
}

func TestChunkRefuses(t *testing.T) {
	owl, straight := connect(t, exec.Options{})
	for _, c := range []struct{ sql, want string }{
		{`SELECT pgml.chunk('sentence', 'a')`, "XX000 Unknown splitter: sentence"},
		{`SELECT pgml.chunk('nltk', 'a')`, "0A000 pgml.chunk with splitter nltk is not available in PgOwl yet"},
		{`SELECT pgml.chunk('latex', 'a', '{"chunk_size": 0}')`, `22023 chunk: option "chunk_size" must be > 0, got 0`},
		{`SELECT pgml.chunk('latex', 'a', '{"add_start_index": true}')`, `22023 chunk: option "add_start_index" has no place`},
		{`SELECT pgml.chunk('latex', 'a', '[]')`, `22023 chunk: option "kwargs" must be a JSON object`},
	} {
		_, err := owl.Exec(t.Context(), c.sql)
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || !strings.HasPrefix(pg.Code+" "+pg.Message, c.want) {
			t.Errorf("%s: got %v, want %s", c.sql, err, c.want)
		}
	}
	var pg *pgconn.PgError
	if _, err := straight.Exec(t.Context(), `SELECT pgml.chunk('latex', 'a')`); !errors.As(err, &pg) || pg.Code != "55000" {
		t.Errorf("around the proxy: got %v, want 55000", err)
	}
	run(t, straight, `REVOKE EXECUTE ON FUNCTION pgml.chunk FROM PUBLIC; CREATE ROLE chunk_nobody; GRANT USAGE ON SCHEMA pgml TO chunk_nobody`)
	t.Cleanup(func() { straight.Exec(context.Background(), `DROP OWNED BY chunk_nobody; DROP ROLE chunk_nobody`) })
	run(t, owl, `SET ROLE chunk_nobody`)
	if _, err := owl.Exec(t.Context(), `SELECT pgml.chunk('latex', 'a')`); !errors.As(err, &pg) || pg.Code != "42501" {
		t.Errorf("without the right: got %v, want 42501", err)
	}
}
