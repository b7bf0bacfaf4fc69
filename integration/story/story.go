// Package story is the clickbait story that PgOwl is shown and tested with, as a table of steps: embed headlines, train a
// classifier, look it up, train it again on a schedule, predict from SQL, from a trigger, and over HTTP. It runs nothing;
// the demo plays it through psql and curl, the tests through other clients as well.
package story

import "regexp"

// Kind says how a step is done.
type Kind int

// The kinds of steps.
const (
	SQL  Kind = iota // one SQL statement
	Load             // Text is a COPY ... FROM STDIN (CSV, HEADER) of the headlines
	Wait             // a query that is asked again until its rows match Want, for half a minute at most
	HTTP             // POST to the REST function Text with Body and a token of role WebRole
)

// Step is one thing that happens. Steps build on those before them.
type Step struct {
	Title string // heads a chapter when not empty
	Kind  Kind
	Text  string
	Body  string         // HTTP: the JSON body
	Want  *regexp.Regexp // what the result must match, written as psql -At does (fields separated by |); nil: anything
}

// Project is the project that the story trains.
const Project = "clickbait_classifier"

// WebRole is the role of the story's web requests.
const WebRole = "web_user"

// Headlines is the data's path from the repository's root: title,is_clickbait.
const Headlines = "integration/testdata/headlines.csv"

func want(pattern string) *regexp.Regexp { return regexp.MustCompile(pattern) }

// Steps gives the story in order. It may be played again in the same database: it begins by removing what it made.
func Steps() []Step {
	return []Step{
		{Title: "A Postgres without any extension learns two", Text: "CREATE EXTENSION IF NOT EXISTS pgml"},
		{Text: "CREATE EXTENSION IF NOT EXISTS pg_cron"},

		{Title: "What an earlier run left goes away", Text: "DROP TABLE IF EXISTS titles, click_train, heartbeat, inbox, archive, news CASCADE"},
		{Text: "DROP FUNCTION IF EXISTS model_train(), predict_clickbait(text), embed_title() CASCADE"},
		{Text: "SELECT cron.unschedule(jobname) FROM cron.job WHERE jobname IN ('weekly-retrain', 'heartbeat')"},

		{Title: "Headlines, of which half are clickbait", Text: "CREATE TABLE titles (title text NOT NULL, is_clickbait integer NOT NULL)"},
		{Kind: Load, Text: "COPY titles FROM STDIN WITH (FORMAT csv, HEADER)"},
		{Text: "SELECT is_clickbait, count(*), min(title) AS example FROM titles GROUP BY 1 ORDER BY 1", Want: want(`(?m)^0\|300\|.*\n1\|300\|`)},

		{Title: "Embeddings: a vector of 384 numbers a title", Text: "CREATE TABLE click_train (title_embedding real[] NOT NULL, is_clickbait integer NOT NULL)"},
		{Text: "INSERT INTO click_train SELECT pgml.embed('all-MiniLM-L6-v2', title), is_clickbait FROM titles"},
		{Text: "SELECT array_length(title_embedding, 1) AS dimensions, count(*) FROM click_train GROUP BY 1", Want: want(`^384\|600$`)},

		{Title: "A classifier, trained by a SELECT", Text: "SELECT * FROM pgml.train(\n    project_name => 'clickbait_classifier',\n    algorithm => 'xgboost',\n    task => 'classification',\n" +
			"    relation_name => 'click_train',\n    y_column_name => 'is_clickbait',\n    test_sampling => 'random')", Want: want(`clickbait_classifier\|classification\|xgboost\|[tf]`)},
		{Text: "select id, name, algorithm from pgml.trained_models", Want: want(`(?m)^\d+\|clickbait_classifier\|xgboost$`)},
		{Text: "SELECT (metrics->>'accuracy')::numeric(4,3) AS accuracy, (metrics->>'f1')::numeric(4,3) AS f1\n  FROM pgml.models ORDER BY id DESC LIMIT 1"},

		{Title: "Trained again on the last snapshot, from a function", Text: "CREATE FUNCTION model_train() RETURNS void LANGUAGE plpgsql AS $$\nBEGIN\n" +
			"    PERFORM pgml.train(project_name => 'clickbait_classifier', algorithm => 'xgboost', test_sampling => 'random');\nEND $$"},
		{Text: "SELECT model_train()"},
		{Text: "SELECT count(*) >= 2 AS trained_twice FROM pgml.models m JOIN pgml.projects p ON p.id = m.project_id\n WHERE p.name = 'clickbait_classifier'", Want: want(`^t$`)},

		{Title: "On a schedule", Text: "SELECT cron.schedule(job_name => 'weekly-retrain', schedule => '0 0 * * 0', command => 'SELECT model_train()')", Want: want(`^\d+$`)},
		{Text: "CREATE TABLE heartbeat (at timestamptz NOT NULL DEFAULT clock_timestamp())"},
		{Text: "SELECT cron.schedule('heartbeat', '2 seconds', 'INSERT INTO heartbeat DEFAULT VALUES')", Want: want(`^\d+$`)},
		{Kind: Wait, Text: "SELECT j.jobname, d.status, d.return_message, d.end_time - d.start_time AS took\n" +
			"  FROM cron.job_run_details d JOIN cron.job j USING (jobid)\n WHERE j.jobname = 'heartbeat' AND d.status = 'succeeded' ORDER BY d.runid LIMIT 2", Want: want(`heartbeat\|succeeded\|INSERT 0 1\|`)},
		{Text: "SELECT cron.unschedule('heartbeat')", Want: want(`^t$`)},

		{Title: "Predictions from SQL", Text: "SELECT pgml.predict(project_name => 'clickbait_classifier',\n    features => (select pgml.embed('all-MiniLM-L6-v2', 'Hottest weather in 100 years')))", Want: want(`^0$`)},
		{Text: "SELECT pgml.predict(project_name => 'clickbait_classifier',\n    features => (select pgml.embed('all-MiniLM-L6-v2', 'Once A Huge Star, Today He Lives Alone in Westlake.')))", Want: want(`^1$`)},
		{Text: "CREATE FUNCTION predict_clickbait(input_string text) RETURNS TABLE(is_clickbait real) LANGUAGE sql AS $$\n" +
			"    SELECT pgml.predict(project_name => 'clickbait_classifier',\n        features => (SELECT pgml.embed('all-MiniLM-L6-v2', input_string)))\n$$"},
		{Text: "SELECT * FROM predict_clickbait('21 Reasons Your Cat Is Judging You')", Want: want(`^[01]$`)},

		{Title: "The same function over HTTP", Text: "DO $$ BEGIN\n    CREATE ROLE web_user NOLOGIN;\nEXCEPTION WHEN duplicate_object THEN NULL;\nEND $$"},
		{Text: "GRANT USAGE ON SCHEMA public TO web_user"},
		{Text: "GRANT EXECUTE ON FUNCTION predict_clickbait(text) TO web_user"},
		{Text: "NOTIFY pgrst, 'reload schema'"},
		{Kind: HTTP, Text: "predict_clickbait", Body: `{"input_string": "Once A Huge Star, Today He Lives Alone in Westlake."}`, Want: want(`^\[\{"is_clickbait": ?1(\.0)?\}\]$`)},

		{Title: "In the database's own machinery: a trigger, a view, a generated column", Text: "CREATE TABLE inbox (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, title text NOT NULL, embedding real[])"},
		{Text: "CREATE FUNCTION embed_title() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n    NEW.embedding := pgml.embed('all-MiniLM-L6-v2', NEW.title);\n    RETURN NEW;\nEND $$"},
		{Text: "CREATE TRIGGER inbox_embed BEFORE INSERT ON inbox FOR EACH ROW EXECUTE FUNCTION embed_title()"},
		{Text: "CREATE VIEW inbox_scores AS\n    SELECT id, title, pgml.predict('clickbait_classifier', embedding) AS is_clickbait FROM inbox"},
		{Text: "INSERT INTO inbox (title) VALUES\n    ('This Goat Learned to Skateboard and the Town Will Never Be the Same'),\n    ('Senate Delays Vote on Fisheries Treaty'),\n    ('Which Kind of Soup Are You')"},
		{Text: "SELECT * FROM inbox_scores ORDER BY id", Want: want(`(?s)^1\|This Goat.*\|[01]\n2\|Senate.*\|[01]\n3\|Which.*\|[01]$`)},
		{Text: "CREATE TABLE archive (title text NOT NULL,\n    embedding real[] GENERATED ALWAYS AS (pgml.embed('all-MiniLM-L6-v2', title)) STORED)"},
		{Text: "INSERT INTO archive (title) SELECT title FROM titles ORDER BY title LIMIT 5"},
		{Text: "SELECT left(title, 40) AS title, pgml.predict('clickbait_classifier', embedding) AS is_clickbait FROM archive", Want: want(`(?s)^([^\n]*\|[01]\n?){5}$`)},
	}
}

// Search gives a chapter that may follow the others, or stand by itself where the table titles is: it waits for a proxy that embeds for vectorized columns.
func Search() []Step {
	return []Step{
		{Title: "Search by meaning, in a table whose vectors keep themselves current", Text: "CREATE TABLE news (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, title text NOT NULL)"},
		{Text: "INSERT INTO news (title) SELECT title FROM titles WHERE is_clickbait = 0"},
		{Text: "SELECT pgml.vectorize('news', 'title')", Want: want(`^\d+$`)},
		{Kind: Wait, Text: "SELECT relation, state, rows_embedded FROM pgml.vectorize_status WHERE relation = 'news'::regclass", Want: want(`^news\|active\|300$`)},
		{Text: "INSERT INTO news (title) VALUES ('Volcano Wakes After Four Centuries, Villages Emptied')"},
		{Kind: Wait, Text: "SELECT s.rank, s.score::numeric(4,3) AS score, n.title\n  FROM pgml.search('news', 'an eruption drives people from their homes', 3) s\n" +
			"  JOIN news n ON n.id = (s.key->>'id')::bigint\n ORDER BY s.rank", Want: want(`(?m)^\d\|0\.\d+\|Volcano Wakes`)},
	}
}
