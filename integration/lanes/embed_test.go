package lanes

import (
	"context"
	"os"
	"reflect"
	"testing"

	"github.com/jackc/pgx/v5"
)

const embedder = "sentence-transformers/all-MiniLM-L6-v2"

// TestEmbedRows stores embeddings of many rows in both lanes, and wants the same: rows, numbers, errors.
func TestEmbedRows(t *testing.T) {
	if os.Getenv("PGOWL_MODELS") == "" || library() == "" {
		t.Skip("no model, or no ONNX Runtime: PGOWL_MODELS, PGOWL_ONNXRUNTIME")
	}
	w := open(t)
	ctx := context.Background()
	statements := []string{
		"CREATE TEMP TABLE texts AS SELECT g AS id, CASE WHEN g % 7 > 0 THEN 'text number ' || g % 40 END AS body, ARRAY['a', 'b' || g] AS list FROM generate_series(1, 130) g",
		"CREATE TEMP TABLE vectors (id int, v real[], w real[])",
		"INSERT INTO vectors SELECT id, pgml.embed('" + embedder + "', body) FROM texts",
		"INSERT INTO vectors SELECT id, pgml.embed('" + embedder + "', lower(body) || ' and more', '{\"prompt\": \"query: \"}'), pgml.embed('" + embedder + "', body) FROM texts WHERE id < 40 RETURNING id, w[1]",
		"SELECT id, v[1:3], w[384], cardinality(v) FROM vectors ORDER BY id, w",
		"CREATE TEMP TABLE made AS SELECT id, pgml.embed('" + embedder + "', body) FROM texts ORDER BY id",
		"SELECT id, embed[5:6] FROM made ORDER BY id",
		"INSERT INTO vectors SELECT id, pgml.embed('" + embedder + "', list) FROM texts WHERE id < 5",
		"SELECT id, v[1], w IS NULL FROM vectors ORDER BY id, v, w",
		"TRUNCATE vectors",
		"BEGIN ISOLATION LEVEL REPEATABLE READ",
		"INSERT INTO vectors SELECT id, pgml.embed('" + embedder + "', body, '{\"truncate_dim\": 5}') FROM texts", // in pieces, and not all rows at once
		"INSERT INTO vectors SELECT id, pgml.embed('" + embedder + "', body) FROM texts WHERE id > 120",
		"COMMIT",
		"SELECT id, v[1:3], cardinality(v) FROM vectors ORDER BY id, v",
		"INSERT INTO vectors SELECT id, pgml.embed('nosuch/model', body) FROM texts",
		"INSERT INTO vectors SELECT id, pgml.embed('nosuch/model', body) FROM texts WHERE body IS NULL",
		"INSERT INTO vectors SELECT id, pgml.embed('" + embedder + "', id) FROM texts",
		"INSERT INTO vectors SELECT id, pgml.embed('" + embedder + "', nosuch) FROM texts",
		"INSERT INTO vectors SELECT id, pgml.embed('" + embedder + "', body, '{\"nosuch\": 1}') FROM texts",
	}
	for _, m := range []pgx.QueryExecMode{pgx.QueryExecModeSimpleProtocol, pgx.QueryExecModeExec} {
		answers := map[string][]any{}
		for lane, url := range w.lanes() {
			c := dial(t, url)
			for _, sql := range statements {
				rows, _ := c.Query(ctx, sql, m) // its error is CollectRows', too
				values, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) ([]any, error) { return row.Values() })
				text := ""
				if err != nil {
					text = err.Error()
				}
				answers[lane] = append(answers[lane], []any{sql, values, text, rows.CommandTag().String()})
			}
			run(t, c, "DROP TABLE texts, vectors, made")
		}
		for i := range statements {
			if a, b := answers["chosen"][i], answers["call"][i]; !reflect.DeepEqual(a, b) {
				t.Errorf("chosen %.600v\n  call %.600v", a, b)
			}
		}
		if got := answers["chosen"][2].([]any); got[2] != "" {
			t.Error(got)
		}
	}
}
