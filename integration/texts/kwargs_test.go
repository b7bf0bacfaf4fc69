package texts

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pgowl/pgowl/models/text"
)

// TestKwargs: options that decide what a call's answer looks like, in all lanes; models/text tests each one by itself.
func TestKwargs(t *testing.T) {
	owl, _ := connect(t, rankers(t))
	run(t, owl, `CREATE TABLE docs (id int PRIMARY KEY, body text)`)
	run(t, owl, `INSERT INTO docs VALUES (1, 'hello'), (2, 'a b c'), (3, 'hello a b'), (4, '')`)
	for _, c := range []struct{ sql, want string }{
		// The vectors of plain are [id, -id, id mod 7, 1]: the bits are 1, 0, 1 or 0, 1.
		{`SELECT pgml.embed('plain', 'hello', '{"precision": "ubinary"}')::text`, "{176}"},
		{`SELECT pgml.embed('plain', 'hello', '{"precision": "binary"}')::text`, "{48}"},
		{`SELECT array_agg(DISTINCT pgml.embed('plain', body, '{"precision": "binary"}'))::text FROM docs`, "{{48}}"},
		{`SELECT min(x) || ' ' || max(x) FROM pgml.embed('plain', ARRAY['hello', 'a b c', 'hello a b'], '{"precision": "uint8"}') e, unnest(e) x`, "0 255"},
		{`SELECT min(x) || ' ' || max(x) FROM pgml.embed('plain', ARRAY['hello', 'a b c', 'hello a b'], '{"precision": "int8"}') e, unnest(e) x`, "-128 127"},
		{`SELECT (pgml.embed('plain', 'hello', '{"prompts": {"mine": "a b "}, "prompt_name": "mine"}') = pgml.embed('plain', 'a b hello'))::text`, "true"},
		{`SELECT (pgml.embed('plain', 'hello a b', '{"tokenizer_kwargs": {"model_max_length": 3}}') = pgml.embed('plain', 'hello', '{"tokenizer_kwargs": {"model_max_length": 3}}'))::text`, "true"},
		{`SELECT (array_length(pgml.embed('plain', 'hello', '{"revision": "main", "device": "cpu", "model_kwargs": {"dtype": "auto"}}'), 1))::text`, "4"},
		{`SELECT (score > 0 AND score < 1)::text FROM pgml.rank('cross', 'hello', ARRAY['hello'], '{"activation_fn": "torch.nn.Sigmoid"}')`, "true"},
		// A GPU that is not there: what was written for another machine goes on, and the log has a warning.
		{`SELECT (pgml.embed('plain', 'hello', '{"device": "cuda:255"}') = pgml.embed('plain', 'hello'))::text`, "true"},
		{`SELECT count(*)::text FROM pgml.rank('cross', 'hello', ARRAY['hello'], '{"device": "cuda:255"}')`, "1"},
	} {
		var got string
		if err := owl.QueryRow(t.Context(), c.sql).Scan(&got); err != nil || got != c.want {
			t.Errorf("%s: %s, want %s (%v)", c.sql, got, c.want, err)
		}
	}
	for _, c := range []struct{ sql, code string }{
		{`SELECT pgml.embed('plain', 'hello', '{"precision": "int8"}')`, "22023"},
		{`SELECT pgml.embed('plain', body, '{"precision": "int8"}') FROM docs`, "22023"},
		{`CREATE TABLE v AS SELECT pgml.embed('plain', body, '{"precision": "uint8"}') FROM docs`, "22023"},
		{`SELECT pgml.embed('plain', ARRAY['hello'], '{"precision": "int8"}')`, "22023"},
		{`SELECT pgml.embed('plain', 'hello', '{"output_value": "token_embeddings"}')`, "0A000"},
		{`SELECT pgml.embed('plain', 'hello', '{"revision": "v1"}')`, "XX000"},
		{`SELECT pgml.embed('plain', 'hello', '{"device": "mps"}')`, "0A000"},
		{`SELECT pgml.embed('plain', 'hello', '{"device": "fast"}')`, "22023"},
		{`SELECT pgml.embed('plain', 'hello', '{"model_kwargs": {"dtype": "float16"}}')`, "0A000"},
	} {
		_, err := owl.Exec(t.Context(), c.sql)
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || pg.Code != c.code {
			t.Errorf("%s: %v, want %s", c.sql, err, c.code)
		}
	}
}

// TestClearGPUCache: without a GPU it is PostgresML's error, with one it says that it has been cleared; a proxy is what it takes.
func TestClearGPUCache(t *testing.T) {
	options := rankers(t)
	owl, straight := connect(t, options)
	runtime, err := text.LoadRuntime(options.Library)
	if err != nil {
		t.Fatal(err)
	}
	none := runtime.Try("cuda:0")
	for _, sql := range []string{`SELECT pgml.clear_gpu_cache()`, `SELECT pgml.clear_gpu_cache(NULL)`, `SELECT pgml.clear_gpu_cache(memory_usage => 0)`, `SELECT pgml.clear_gpu_cache(x::real) FROM (VALUES (0.0)) v (x)`} {
		var cleared bool
		err := owl.QueryRow(t.Context(), sql).Scan(&cleared)
		var pg *pgconn.PgError
		switch {
		case none == nil && (err != nil || !cleared):
			t.Errorf("%s: %v %v", sql, cleared, err)
		case none != nil && (!errors.As(err, &pg) || pg.Code != "XX000" || pg.Message != "No GPU available" || pg.Detail == ""):
			t.Errorf("%s: %v", sql, err)
		}
	}
	for _, sql := range []string{`SELECT pgml.clear_gpu_cache(-1)`, `SELECT pgml.clear_gpu_cache('NaN')`} {
		_, err := owl.Exec(t.Context(), sql)
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || pg.Code != "22023" {
			t.Errorf("%s: %v", sql, err)
		}
	}
	if _, err := straight.Exec(t.Context(), `SELECT pgml.clear_gpu_cache()`); err == nil {
		t.Error("a session around PgOwl clears")
	}
}
