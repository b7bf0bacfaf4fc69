package texts

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pgowl/pgowl/exec"
	"github.com/pgowl/pgowl/integration/owltest"
)

// rankers is a model folder with a cross-encoder, of which models/text/testdata/scores.py tells the scores, and another model.
func rankers(t *testing.T) exec.Options {
	t.Helper()
	return owltest.TextModels(t, map[string]map[string]string{"plain": nil, "cross": {
		"config.json":     `{"vocab_size":154,"max_position_embeddings":32,"num_labels":1,"sbert_ce_default_activation_function":"torch.nn.modules.linear.Identity"}`,
		"onnx/model.onnx": "testdata/scores.onnx",
	}})
}

func TestRank(t *testing.T) {
	owl, straight := connect(t, rankers(t))
	run(t, owl, `CREATE TABLE docs (id int PRIMARY KEY, body text)`)
	run(t, owl, `INSERT INTO docs VALUES (1, 'hello'), (2, 'a b c'), (3, 'hello a b'), (4, '')`)
	run(t, owl, `CREATE VIEW best AS SELECT r.* FROM (SELECT array_agg(body ORDER BY id) AS all FROM docs) d, pgml.rank('cross', 'hello', d.all, '{"return_documents": true, "top_k": 2}') r`)
	run(t, owl, `CREATE FUNCTION ids(q text) RETURNS bigint[] LANGUAGE plpgsql AS $$ BEGIN
		RETURN (SELECT array_agg(r.corpus_id ORDER BY r.score DESC, r.corpus_id) FROM pgml.rank('cross', q, ARRAY(SELECT body FROM docs ORDER BY id)) r); END $$`)
	for _, c := range []struct{ sql, want string }{
		// In the order of the scores, with the places in the array.
		{`SELECT (bool_and(score <= before) AND count(*) = 4)::text FROM (SELECT score, lag(score, 1, 'infinity') OVER () AS before
			FROM pgml.rank('cross', 'hello', ARRAY['hello', 'a b c', 'hello a b', ''])) r`, "true"},
		{`SELECT array_agg(corpus_id)::text FROM pgml.rank('cross', 'hello', ARRAY['hello', 'a b c', 'hello a b', ''])`, "{2,0,1,3}"},
		{`SELECT ids('hello')::text`, "{2,0,1,3}"},
		{`SELECT string_agg(corpus_id || ':' || text, ' ') FROM best`, "2:hello a b 0:hello"},
		{`SELECT count(*) || ' ' || count(text) FROM pgml.rank('cross', 'hello', ARRAY['hello', 'a'])`, "2 0"},
		{`SELECT string_agg(text, ' ' ORDER BY corpus_id) FROM pgml.rank('cross', 'q', '[5:6]={x,y}'::text[], '{"return_documents": true}')`, "x y"},
		{`SELECT count(*)::text FROM pgml.rank('cross', 'hello', ARRAY[]::text[])`, "0"},
		{`SELECT count(*)::text FROM pgml.rank('cross', NULL, ARRAY['a'])`, "0"},
		{`SELECT count(*)::text FROM docs, pgml.rank('plain', 'hello', ARRAY[body])`, "4"},
	} {
		var got string
		if err := owl.QueryRow(t.Context(), c.sql).Scan(&got); err != nil {
			t.Errorf("%s: %v", c.sql, err)
			continue
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.sql, got, c.want)
		}
	}
	for _, c := range []struct{ sql, code string }{
		{`SELECT * FROM pgml.rank('cross', 'q', ARRAY['a', NULL])`, "22004"},
		{`SELECT * FROM pgml.rank('cross', 'q', ARRAY[['a'], ['b']])`, "22023"},
		{`SELECT * FROM pgml.rank('cross', 'q', ARRAY['a'], '{"topk": 1}')`, "22023"},
		{`SELECT * FROM pgml.rank('cross', 'q', ARRAY['a'], '{"activation_fn": "x"}')`, "0A000"},
		{`SELECT * FROM pgml.rank('missing', 'q', ARRAY['a'])`, "XX000"},
		{`SELECT pgml.embed('cross', 'q')`, "XX000"},
	} {
		_, err := owl.Exec(t.Context(), c.sql)
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || pg.Code != c.code {
			t.Errorf("%s: %v, want %s", c.sql, err, c.code)
		}
	}
	if _, err := straight.Exec(t.Context(), `SELECT * FROM pgml.rank('cross', 'q', ARRAY['a'])`); err == nil {
		t.Error("a session around PgOwl ranks")
	}
}
