package clients

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgowl/pgowl/integration/story"
)

// sqlRefusals are statements that the story's schema refuses, whatever client sends them.
var sqlRefusals = []struct {
	name, sql, code string
	message         *regexp.Regexp
}{
	{"an unknown project", "SELECT pgml.predict('nobody', ARRAY[1, 2]::real[])", "XX000", regexp.MustCompile("^No deployed model exists for the project named: `nobody`$")},
	{"an unknown model number", "SELECT pgml.predict(987654, ARRAY[1, 2]::real[])", "XX000", regexp.MustCompile(`^pgml.models WHERE id = 987654 could not be loaded. Does it exist\?$`)},
	{"too few features", "SELECT pgml.predict('clickbait_classifier', ARRAY[1, 2]::real[])", "XX000", regexp.MustCompile(`reshape array of size 2 into shape`)},
	{"an unknown embedding model", "SELECT pgml.embed('no-such-model', 'x')", "XX000", regexp.MustCompile(`no-such-model`)},
	{"a malformed JSON argument", "SELECT pgml.embed('all-MiniLM-L6-v2', 'x', '{')", "22P02", regexp.MustCompile(`^invalid input syntax for type json$`)},
	{"an unknown relation", "SELECT * FROM pgml.train('p2', 'classification', 'no_such_table', 'y', 'xgboost')", "XX000", regexp.MustCompile(`no_such_table`)},
	{"no relation at a project's first training", "SELECT * FROM pgml.train('p2', 'classification')", "XX000", regexp.MustCompile("^You must pass a `relation_name` and `y_column_name` to snapshot the first time you train a model.$")},
	{"another task than the project's", "SELECT * FROM pgml.train('clickbait_classifier', 'regression', 'click_train', 'is_clickbait', 'xgboost')", "XX000", regexp.MustCompile(`clickbait_classifier`)},
	{"a NULL label", "SELECT * FROM pgml.train('p3', 'classification', 'null_labels', 'y', 'xgboost')", "XX000", regexp.MustCompile(`^The training data labels in "y" contain 1 NULL values.$`)},
	{"an algorithm that is not built", "SELECT * FROM pgml.train('p4', 'classification', 'click_train', 'is_clickbait', 'svm')", "0A000", regexp.MustCompile(`svm`)},
	{"an unknown algorithm", "SELECT * FROM pgml.train('p4', 'classification', 'click_train', 'is_clickbait', 'alchemy')", "22P02", regexp.MustCompile(`^invalid input value for enum pgml.algorithm: "alchemy"$`)},
	{"an unknown sampling", "SELECT * FROM pgml.train('p4', 'classification', 'click_train', 'is_clickbait', 'xgboost', test_sampling => 'dice')", "22P02", regexp.MustCompile(`^invalid input value for enum pgml.sampling: "dice"$`)},
	{"a function that is not built", "SELECT pgml.transform('text-classification', inputs => ARRAY['x'])", "0A000", regexp.MustCompile(`pgml.transform`)},
	{"a schedule that is none", "SELECT cron.schedule('x', 'every now and then', 'SELECT 1')", "22023", regexp.MustCompile(`^invalid schedule: every now and then`)},
	{"an unknown job", "SELECT cron.unschedule('nobody')", "XX000", regexp.MustCompile(`^could not find valid entry for job 'nobody'$`)},
	{"an error of the server's own", "SELECT 1/0", "22012", regexp.MustCompile(`^division by zero$`)},
}

// played makes sure that the story's project, tables and roles are there.
func played(t *testing.T) *owl {
	t.Helper()
	o := sharedOwl(t)
	conn := o.connect(t)
	var there bool
	if err := conn.QueryRow(t.Context(), `SELECT to_regclass('archive') IS NOT NULL AND to_regclass('null_labels') IS NOT NULL`).Scan(&there); err != nil {
		t.Fatal(err)
	}
	if !there {
		play(t, o, pgxClient{conn, pgx.QueryExecModeExec})
	}
	return o
}

// TestRefusalsLeaveTransactionsAsPostgresWould wants a refused statement to fail its transaction, no more and no less.
func TestRefusalsLeaveTransactionsAsPostgresWould(t *testing.T) {
	o := played(t)
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeSimpleProtocol, pgx.QueryExecModeExec, pgx.QueryExecModeCacheStatement} {
		c := pgxClient{o.connect(t), mode}
		for _, r := range sqlRefusals {
			t.Run(r.name+"/"+mode.String(), func(t *testing.T) {
				status := func(want byte) {
					t.Helper()
					if got := c.conn.PgConn().TxStatus(); got != want {
						t.Fatalf("transaction status: got %c, want %c", got, want)
					}
				}
				must := func(sql string) {
					t.Helper()
					if _, err := c.ask(t, sql); err != nil {
						t.Fatalf("%s: %v", sql, err)
					}
				}
				wantRefusal := func() {
					t.Helper()
					_, err := c.ask(t, r.sql)
					var got *refusal
					if !errors.As(err, &got) || got.Code != r.code || !r.message.MatchString(got.Message) {
						t.Fatalf("got  %v\nwant %s: %s", err, r.code, r.message)
					}
				}
				wantRefusal()
				status('I')
				must("BEGIN")
				must("SAVEPOINT s")
				wantRefusal()
				status('E')
				_, err := c.conn.Exec(t.Context(), "SELECT pgml.embed('all-MiniLM-L6-v2', 'x')", pgx.QueryExecModeSimpleProtocol)
				var e *pgconn.PgError
				if !errors.As(err, &e) || e.Code != "25P02" {
					t.Fatalf("a failed transaction went on: %v", err)
				}
				must("ROLLBACK TO s")
				status('T')
				must("SELECT pgml.embed('all-MiniLM-L6-v2', 'x')")
				must("COMMIT")
				status('I')
			})
		}
	}
	left, err := pgxClient{o.connect(t), pgx.QueryExecModeExec}.query(t, `SELECT m.id, p.name, m.status FROM pgml.models m JOIN pgml.projects p ON p.id = m.project_id
		WHERE p.name IN ('p2', 'p3', 'p4') OR m.status <> 'successful'`)
	if err != nil || left != "" {
		t.Errorf("refused trainings left %q, %v", left, err)
	}
}

// TestRightsHold wants a role to train on nothing that it may not read.
func TestRightsHold(t *testing.T) {
	o := played(t)
	c := pgxClient{o.connect(t), pgx.QueryExecModeExec}
	for _, sql := range []string{
		`DO $$ BEGIN CREATE ROLE visitor; EXCEPTION WHEN duplicate_object THEN NULL; END $$`,
		`SET ROLE visitor`,
	} {
		if _, err := c.ask(t, sql); err != nil {
			t.Fatal(err)
		}
	}
	_, err := c.ask(t, `SELECT * FROM pgml.train('p5', 'classification', 'click_train', 'is_clickbait', 'xgboost')`)
	var got *refusal
	if !errors.As(err, &got) || got.Code != "42501" || got.Message != "permission denied for table click_train" {
		t.Errorf("got %v", err)
	}
	if _, err := c.ask(t, `RESET ROLE`); err != nil {
		t.Fatal(err)
	}
}

// TestRESTRefusals wants PostgREST's answers: status, code and message.
func TestRESTRefusals(t *testing.T) {
	o := played(t)
	bearer := func(role string, valid time.Duration) string {
		return "Authorization: Bearer " + token(t, role, time.Now().Add(valid))
	}
	good := bearer(story.WebRole, time.Hour)
	const input = `{"input_string": "x"}`
	for _, c := range []struct {
		name, function, body string
		headers              []string
		status               int
		code, message        string
	}{
		{"a body that is not JSON", "predict_clickbait", `{"input_string": `, []string{good}, 400, "PGRST102", "Empty or invalid json"},
		{"a body of another type", "predict_clickbait", input, []string{good, "Content-Type: application/zip"}, 400, "PGRST102", "Content-Type not acceptable: application/zip"},
		{"an expired token", "predict_clickbait", input, []string{bearer(story.WebRole, -time.Hour)}, 401, "PGRST303", "JWT expired"},
		{"a token of somebody else's", "predict_clickbait", input, []string{good + "x"}, 401, "PGRST301", ""},
		{"no token at all", "predict_clickbait", input, nil, 401, "PGRST302", "Anonymous access is disabled"},
		{"an unknown function", "predict_weather", input, []string{good}, 404, "PGRST202", "Could not find the function public.predict_weather(input_string) in the schema cache"},
		{"an unknown argument", "predict_clickbait", `{"title": "x"}`, []string{good}, 404, "PGRST202", "Could not find the function public.predict_clickbait(title) in the schema cache"},
		{"a role that is none", "predict_clickbait", input, []string{bearer("nobody_at_all", time.Hour)}, 401, "22023", `role "nobody_at_all" does not exist`},
		{"a function that does what the role may not", "model_train", `{}`, []string{good}, 403, "42501", "permission denied for table click_train"},
		{"an unknown schema", "predict_clickbait", input, []string{good, "Content-Profile: secrets"}, 406, "PGRST106", "Invalid schema: secrets"},
		{"an unknown media type", "predict_clickbait", input, []string{good, "Accept: image/png"}, 406, "PGRST107", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, body := o.post(t, c.function, c.body, c.headers...)
			var got struct{ Code, Message string }
			if err := json.Unmarshal([]byte(body), &got); err != nil {
				t.Fatalf("status %d, %q: %v", status, body, err)
			}
			if status != c.status || got.Code != c.code || c.message != "" && got.Message != c.message {
				t.Errorf("got %d %s, want %d %s %s", status, strings.TrimSpace(body), c.status, c.code, c.message)
			}
		})
	}
	if status, body := o.post(t, "predict_clickbait", input, good); status != 200 {
		t.Errorf("after all this: %d %s", status, body)
	}
}

// TestRESTByGet wants the story's function to work in a GET, whose transaction is read only, and the rest to be refused by name.
func TestRESTByGet(t *testing.T) {
	o := played(t)
	good := "Authorization: Bearer " + token(t, story.WebRole, time.Now().Add(time.Hour))
	title := url.QueryEscape("Once A Huge Star, Today He Lives Alone in Westlake.")
	for _, c := range []struct {
		path   string
		status int
		want   string
	}{
		{"rpc/predict_clickbait?input_string=" + title, 200, `[{"is_clickbait":1}]`},
		{"rpc/predict_clickbait?title=x", 404, `"code":"PGRST202"`},
		{"titles?select=title", 501, `Relation 'titles': access to tables and views is not available in PgOwl yet`},
		{"", 404, `"code":"PGRST126"`},
	} {
		if status, body := o.request(t, http.MethodGet, c.path, "", good); status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("GET %s: got %d %s, want %d %s", c.path, status, body, c.status, c.want)
		}
	}
}
