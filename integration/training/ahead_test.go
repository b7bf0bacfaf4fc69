package training

import (
	"context"
	"crypto/sha256"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pgowl/pgowl/models/store"
)

const relations = `
	CREATE DOMAIN grade AS real CHECK (VALUE >= 0);
	CREATE TABLE kinds AS SELECT i::int2 AS a, i * 2 AS b, i::int8 * 3 AS c, i / 4::real AS d, CASE WHEN i % 5 > 0 THEN i / 3::float8 END AS e, i / 7.0 AS f, i % 3 = 0 AS g,
		(ARRAY['x', 'y', 'zß', NULL])[i % 4 + 1] AS h, (i % 3)::varchar(3) AS h2, (i % 3)::char(5) AS h3, ARRAY[i, i % 5]::real[] AS v, ARRAY[[i % 7 = 0, true]] AS w,
		(i % 9)::grade AS j, i % 3 AS y, 'k' || i % 3 AS t, i % 2 = 0 AS u, i * 0.25 AS z, -i AS z2
		FROM generate_series(1, 400) i;
	CREATE TABLE numbers AS SELECT i::real AS a, i * 2.0::float8 AS b, i % 4 AS y FROM generate_series(1, 5000) i;
	CREATE TABLE part (a real, y int) PARTITION BY RANGE (a);
	CREATE TABLE part1 PARTITION OF part FOR VALUES FROM (0) TO (100);
	CREATE TABLE part2 PARTITION OF part FOR VALUES FROM (100) TO (1000);
	INSERT INTO part SELECT i, i % 2 FROM generate_series(1, 300) i;
	CREATE VIEW odd AS SELECT * FROM numbers WHERE a::int % 2 = 1;
	CREATE TABLE empty (a real, y int);
	CREATE TABLE gaps AS SELECT a, nullif(y, 2) AS y FROM numbers;
	CREATE TABLE endless AS SELECT 'Infinity'::real AS a, i % 2 AS y FROM generate_series(1, 10) i;
	CREATE TABLE uneven AS SELECT array_fill(1::real, ARRAY[1 + i / 9]) AS a, i % 2 AS y FROM generate_series(1, 10) i;
	CREATE TABLE wrong (a point, y int);
	CREATE VIEW broken AS SELECT a, 1 / (y - y) AS y FROM numbers;
	CREATE TABLE secret AS SELECT * FROM numbers;
	CREATE TABLE wide AS SELECT array_fill(i::real, ARRAY[20000]) AS a, i % 2 AS y FROM generate_series(1, 30) i;
	CREATE TABLE columns (a real, hidden real, y int);
	INSERT INTO columns SELECT i, i, i % 2 FROM generate_series(1, 20) i;
	CREATE TABLE rows (a real, mine text, y int);
	INSERT INTO rows SELECT i, CASE WHEN i % 4 < 2 THEN 'alice' ELSE 'bob' END, i % 2 FROM generate_series(1, 400) i;
	ALTER TABLE rows ENABLE ROW LEVEL SECURITY;
	CREATE POLICY own ON rows USING (mine = 'alice');
	GRANT SELECT ON kinds, numbers, part, odd, empty, gaps, endless, uneven, wrong, broken, wide, rows TO PUBLIC;
	GRANT SELECT (a, y) ON columns TO PUBLIC;
	CREATE FUNCTION saying(real) RETURNS real LANGUAGE plpgsql AS $$ BEGIN IF $1 = 7 THEN RAISE NOTICE 'reading by %', split_part(current_query(), ' ', 1); END IF; RETURN $1; END $$;
	CREATE VIEW watched AS SELECT saying(a) AS a, b, y FROM numbers;
	CREATE SEQUENCE drawn;
	CREATE VIEW lottery AS SELECT nextval('drawn')::real AS a, y FROM numbers;
	GRANT SELECT ON watched, lottery TO PUBLIC; GRANT ALL ON SEQUENCE drawn TO PUBLIC;
	CREATE SCHEMA mine; GRANT ALL ON SCHEMA mine TO PUBLIC;`

// trainings are statements whose relation is read ahead, each a part of the text behind the project's name. All take the last rows for the test, so that
// nothing is left to chance.
var trainings = []string{
	`'classification', 'numbers', 'y', 'xgboost', '{"n_estimators": 5}'`,
	`'regression', 'public.numbers', 'b'`,
	`'classification', relation_name => 'kinds', y_column_name => 'y', algorithm => 'lightgbm', hyperparams => '{"n_estimators": 3}'::jsonb, preprocess => '{"h": {"impute": "mode"}, "e": {"impute": "mean"}}'`,
	`'classification', 'kinds', 't', 'xgboost', '{"n_estimators": 3}', preprocess => '{"h": {"encode": "target"}, "e": {"impute": "zero", "scale": "standard"}}'`,
	`'classification', 'kinds', 'u', 'xgboost', '{"n_estimators": 3}', group_by => 'h2', preprocess => '{"h": {"impute": "mode"}, "e": {"impute": "zero"}}'`,
	`'regression', 'kinds', 'z', 'catboost', '{"iterations": 3}', preprocess => '{"h": {"impute": "mode"}, "e": {"impute": "zero"}}'`,
	`'classification', 'part', 'y', 'xgboost', search => 'grid', search_params => '{"max_depth": [1, 2]}', search_args => '{"cv": 1}', hyperparams => '{"n_estimators": 2}'`,
	`'classification', 'odd', 'y', 'xgboost', '{"n_estimators": 2}'`,
	`'classification', 'rows', 'y', 'xgboost', '{"n_estimators": 2}', preprocess => '{"mine": {"impute": "mode"}}'`,
	`'classification', 'columns', 'y', 'xgboost', '{"n_estimators": 2}'`,
	`'classification', 'wide', 'y', 'xgboost', '{"n_estimators": 1}'`,
	`'classification', 'numbers', 'y', 'xgboost', '{"n_estimators": 2}', weight => 'b'`,
	`'regression', 'numbers', 'y', 'xgboost', '{"n_estimators": 2, "objective": "rank:ndcg"}', qid => 'a'`,
	`'regression', 'numbers', 'a', 'xgboost', '{"n_estimators": 2, "objective": "survival:aft"}', label_upper_bound => 'b'`,
	`'regression', 'kinds', 'z', 'xgboost', '{"n_estimators": 2, "objective": "rank:ndcg"}', qid => 'h', preprocess => '{"e": {"impute": "zero"}}'`,
	// Errors.
	`'classification', 'gaps', 'a', weight => 'y'`,
	`'classification', 'numbers', 'y', weight => 'nothing'`,
	`'classification', 'kinds', 'y'`,
	`'classification', 'empty', 'y'`,
	`'classification', 'gaps', 'y'`,
	`'regression', 'gaps', 'y'`,
	`'classification', 'endless', 'y'`,
	`'classification', 'uneven', 'y'`,
	`'classification', 'wrong', 'y'`,
	`'regression', 'broken', 'y'`,
	`'classification', 'secret', 'y'`,
	`'classification', 'nowhere', 'y'`,
	`'classification', 'a.b.c', 'y'`,
	`'classification', 'numbers', 'nothing'`,
	`'guessing', 'numbers', 'y'`,
	`NULL, 'numbers', 'y'`,
	`'classification', 'numbers', 'y', 'xgboost', '{"n_estimator": 1}'`,
	`'classification', 'numbers', 'y', 'xgboost', '{"n_estimators": 1'`,
	`'classification', 'numbers', 'y', 'magic'`,
	`'classification', 'numbers', 'y', search_params => '{"a": 1}'`,
	`'classification', 'numbers', 'y', nothing => 1`,
	`'classification', 'numbers', 'y', 'xgboost', test_size => 5000`,
	`'classification', 'numbers'`,
	`'classification'`,
	`'classification', 'numbers', 'y', 'xgboost', materialize_snapshot => true, hyperparams => '{"n_estimators": 2}'`,
}

// varying are the numbers that differ from one training to the next of the same.
var varying = regexp.MustCompile(`id: [0-9]+|snapshot_[0-9]+|(fit|score)_time": [0-9.e-]+|[0-9.]+ s(econds)?\b`)

// heard are the messages without those numbers, and without reports of progress.
func (w *world) heard() string {
	var said []string
	for _, m := range w.said {
		if !strings.HasPrefix(m, "NOTICE: Training ") && !strings.HasPrefix(m, "NOTICE: Reading ") {
			said = append(said, varying.ReplaceAllString(m, "#"))
		}
	}
	return strings.Join(said, "\n")
}

// TestReadAhead trains everything by COPY before the statement and by the stream within it: models, messages and errors are the same.
func TestReadAhead(t *testing.T) {
	w := open(t)
	w.run(relations)
	for i, arguments := range trainings {
		if strings.Count(arguments, ",") > 1 {
			arguments += ", test_sampling => 'last'"
		}
		play := func(way string, ask func(string) string) (answer, said, model string) {
			project := fmt.Sprint(way, i)
			answer = ask("SELECT task, algorithm, deployed FROM pgml.train('" + project + "', " + arguments + ")")
			return strings.ReplaceAll(answer, project, "PROJECT"), strings.ReplaceAll(w.heard(), project, "PROJECT"), w.trained(project)
		}
		w.want("SET pgowl.lanes = 'call'", "")
		answer, said, model := play("stream", w.ask)
		w.want("RESET pgowl.lanes", "")
		for way, ask := range map[string]func(string) string{"simple": w.ask, "block": w.askInBlock, "extended": w.askExtended, "prepared": w.askPrepared} {
			a, s, m := play(way, ask)
			if strings.HasPrefix(a, "22012") {
				s = said // a COPY that fails does so before the statement has said anything
			}
			a = strings.Replace(a, "train(text,", "train(unknown,", 1) // askPrepared has said so
			for _, d := range [][2]string{{a, answer}, {s, said}, {m, model}} {
				if d[0] != d[1] {
					t.Errorf("%s, %s\n%s", way, arguments, difference(d[0], d[1]))
				}
			}
		}
	}
}

// difference shows where two texts differ.
func difference(got, want string) string {
	n := 0
	for n < min(len(got), len(want)) && got[n] == want[n] {
		n++
	}
	show := func(s string) string { return s[max(0, n-100):min(len(s), n+300)] }
	return "    got ..." + show(got) + "\n   want ..." + show(want)
}

// trained is what there is of a project's models.
func (w *world) trained(project string) string {
	w.t.Helper()
	var text string
	err := w.super.QueryRow(context.Background(), `SELECT coalesce(string_agg(concat_ws(' ', m.num_features, m.metrics - '{fit_time,score_time,search_results}'::text[], s.columns, s.analysis, s.materialized,
			m.lineage - '{read_at,seed,pg_snapshot,relation}'::text[]), E'\n' ORDER BY m.id), 'none')
		FROM pgml.projects p JOIN pgml.models m ON m.project_id = p.id JOIN pgml.snapshots s ON s.id = m.snapshot_id WHERE p.name = $1`, project).Scan(&text)
	if err != nil {
		w.t.Fatal(err)
	}
	var file []byte
	err = w.super.QueryRow(context.Background(), `SELECT coalesce(string_agg(f.data, '' ORDER BY f.part), '') FROM pgml.files f JOIN pgml.models m ON m.id = f.model_id
		JOIN pgml.projects p ON p.id = m.project_id WHERE p.name = $1 AND f.path = 'estimator.rmp'`, project).Scan(&file)
	if err != nil {
		w.t.Fatal(err)
	}
	if len(file) == 0 {
		return text
	}
	header, model, err := store.Decode(file)
	if err != nil {
		w.t.Fatal(err)
	}
	header.Seed = 0 // of chance that was not used
	if file, err = store.Encode(header, model); err != nil {
		w.t.Fatal(err)
	}
	return fmt.Sprintf("%s %x", text, sha256.Sum256(file))
}

// askInBlock asks in a transaction block.
func (w *world) askInBlock(sql string) string {
	w.t.Helper()
	w.want("BEGIN", "")
	answer := w.ask(sql)
	said := w.said
	w.ask("COMMIT")
	w.said = said
	return answer
}

// projectLiteral is the first argument of a training.
var projectLiteral = regexp.MustCompile(`'[a-z]+[0-9]+'`)

// askExtended asks by the extended protocol, with the project as a parameter.
func (w *world) askExtended(sql string) string {
	w.t.Helper()
	w.said = nil
	project := strings.Trim(projectLiteral.FindString(sql), "'")
	sql = strings.Replace(sql, "'"+project+"'", "$1", 1)
	r := w.alice.PgConn().ExecParams(w.t.Context(), sql, [][]byte{[]byte(project)}, nil, nil, nil).Read()
	return w.answer(sql, []*pgconn.Result{r}, r.Err)
}

// askPrepared is askExtended for a named statement, whose arguments' types are declared, in binary form.
func (w *world) askPrepared(sql string) string {
	w.t.Helper()
	w.said = nil
	project := strings.Trim(projectLiteral.FindString(sql), "'")
	sql = strings.Replace(sql, "'"+project+"'", "$1", 1)
	if _, err := w.alice.PgConn().Prepare(w.t.Context(), "training", sql, []uint32{25}); err != nil {
		return w.answer(sql, nil, err)
	}
	r := w.alice.PgConn().ExecPrepared(w.t.Context(), "training", [][]byte{[]byte(project)}, []int16{1}, nil).Read()
	said := w.said
	w.ask("DEALLOCATE training")
	w.said = said
	return w.answer(sql, []*pgconn.Result{r}, r.Err)
}
