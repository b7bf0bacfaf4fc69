package catalog

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
)

// registry fills the tables with project p (classification; models 1 to 4, of which 4 isn't finished) and an empty one.
func registry(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	exec(t, conn, `INSERT INTO pgml.projects (name, task) VALUES ('p', 'classification'), ('empty', 'text_generation')`,
		`INSERT INTO pgml.snapshots (relation_name, y_column_name, test_size, test_sampling, status) VALUES ('t', '{y}', 0.25, 'random', 'in_progress')`)
	for _, m := range []struct{ algorithm, status, metrics string }{
		{"xgboost", "successful", `{"f1": 0.9}`}, {"linear", "successful", `{"f1": 0.10}`}, {"xgboost", "successful", `{"f1": null}`},
		{"xgboost", "in_progress", `{"f1": 1}`},
	} {
		exec(t, conn, fmt.Sprintf(`INSERT INTO pgml.models (project_id, snapshot_id, num_features, algorithm, hyperparams, status, metrics, search_params, search_args)
			VALUES (1, 1, 1, '%s', '{}', '%s', '%s', '{}', '{}')`, m.algorithm, m.status, m.metrics))
	}
}

func TestDeployStrategies(t *testing.T) {
	conn, notices := listening(t)
	ctx := context.Background()
	registry(t, conn)
	for _, c := range []struct{ call, row, info string }{
		{`deploy(2)`, "p specific linear", "INFO 00000 Deploying model id: 2"},
		{`deploy('p', 'best_score')`, "p best_score xgboost", "INFO 00000 Deploying model id: 1"},
		{`deploy('p', 'rollback')`, "p rollback linear", "INFO 00000 Deploying model id: 2"},
		{`deploy('p', 'rollback')`, "p rollback xgboost", "INFO 00000 Deploying model id: 1"},
		{`deploy('p', 'most_recent')`, "p most_recent xgboost", "INFO 00000 Deploying model id: 3"},
		{`deploy(project_name => 'p', strategy => 'best_score', algorithm => 'linear')`, "p best_score linear", "INFO 00000 Deploying model id: 2"},
		{`deploy('2')`, "p specific linear", "INFO 00000 Deploying model id: 2"},
	} {
		got := column(t, conn, `SELECT concat_ws(' ', project, strategy, algorithm) FROM pgml.`+c.call)
		if len(got) != 1 || got[0] != c.row {
			t.Errorf("%s: got %v, want %s", c.call, got, c.row)
		}
		if info := take(notices); info != c.info {
			t.Errorf("%s: messages %q, want %q", c.call, info, c.info)
		}
	}
	invalid := "called `Result::unwrap()` on an `Err` value: InvalidPosition"
	for _, c := range []struct{ call, code, message string }{
		{`deploy(99)`, "XX000", "pgml.models WHERE id = 99 could not be loaded. Does it exist?"},
		{`deploy(4)`, "XX000", "pgml.models WHERE id = 4 could not be loaded. Does it exist?"},
		{`deploy('nobody', 'best_score')`, "XX000", invalid},
		{`deploy('empty', 'best_score')`, "XX000", invalid},
		{`deploy('p', 'best_score', 'svm')`, "XX000", invalid},
		{`deploy('p', 'new_score')`, "XX000", "invalid strategy"},
		{`deploy('p', 'specific')`, "XX000", "invalid strategy"},
		{`deploy('p', NULL)`, "XX000", "invalid strategy"},
		{`deploy('p', 'sideways')`, "22P02", `invalid input value for enum pgml.strategy: "sideways"`},
	} {
		_, err := conn.Exec(ctx, `SELECT * FROM pgml.`+c.call)
		wantError(t, c.call, err, c.code, c.message)
	}
}

// Who may deploy is what GRANT on the functions says; the registry's tables stay closed.
func TestDeployNeedsNoTableRights(t *testing.T) {
	conn := migrated(t)
	registry(t, conn)
	role(t, conn, "deployer", "")
	exec(t, conn, `SET ROLE deployer`, `SELECT * FROM pgml.deploy(1)`)
	_, err := conn.Exec(context.Background(), `SELECT * FROM pgowl.deploy_model(1, 'specific')`)
	wantError(t, "inner function", err, "42501", "permission denied for function deploy_model")
	_, err = conn.Exec(context.Background(), `SELECT pgowl.live_model('p')`)
	wantError(t, "live_model", err, "42501", "permission denied for function live_model")
	exec(t, conn, `RESET ROLE`, `REVOKE EXECUTE ON FUNCTION pgml.deploy(bigint) FROM PUBLIC`, `SET ROLE deployer`)
	_, err = conn.Exec(context.Background(), `SELECT * FROM pgml.deploy(1)`)
	wantError(t, "after REVOKE", err, "42501", "permission denied for function deploy")
	exec(t, conn, `RESET ROLE`)
}

func TestViewsShowTheRegistry(t *testing.T) {
	conn := migrated(t)
	registry(t, conn)
	exec(t, conn, `SELECT * FROM pgml.deploy(2)`, `SELECT * FROM pgml.deploy(1)`)
	for _, c := range []struct{ sql, want string }{
		{`SELECT string_agg(format('%s %s %s %s', id, name, algorithm, deployed), ', ') FROM pgml.trained_models`,
			"4 p xgboost f, 3 p xgboost f, 2 p linear f, 1 p xgboost t"},
		{`SELECT string_agg(format('%s %s %s %s', id, name, task, algorithm), ', ') FROM pgml.deployed_models`, "1 p classification xgboost"},
		{`SELECT string_agg(format('%s %s %s %s %s', name, algorithm, relation_name, y_column_name, test_size), ', ') FROM pgml.overview`,
			"p xgboost t {y} 0.25, p linear t {y} 0.25"},
		{`SELECT format('%s %s', pgowl.live_model('p'), coalesce(pgowl.live_model('empty'), 0))`, "1 0"},
	} {
		if got := column(t, conn, c.sql); got[0] != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.sql, got[0], c.want)
		}
	}
}

func TestUpdatedAtFollowsChanges(t *testing.T) {
	conn := migrated(t)
	registry(t, conn)
	exec(t, conn, `UPDATE pgml.projects SET created_at = '2020-01-01', updated_at = '2020-01-01'`)
	for _, c := range []struct{ name, sql, want string }{
		{"the statement sets it", `UPDATE pgml.projects SET updated_at = '2021-01-01' WHERE id = 1 RETURNING updated_at::text`, "2021-01-01 00:00:00"},
		{"nothing changes", `UPDATE pgml.projects SET name = name WHERE id = 1 RETURNING updated_at::text`, "2021-01-01 00:00:00"},
		{"a change", `UPDATE pgml.projects SET name = 'q' WHERE id = 1 RETURNING (updated_at > '2022-01-01')::text`, "true"},
	} {
		if got := column(t, conn, c.sql); got[0] != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got[0], c.want)
		}
	}
}
