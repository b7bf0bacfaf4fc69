package catalog

import (
	"context"
	"testing"
)

func TestCompareListsTheBestFirst(t *testing.T) {
	conn := migrated(t)
	registry(t, conn)
	exec(t, conn, `UPDATE pgml.models SET metrics = '{"f1": 0.9, "fit_time": 1.5, "search_results": {"n_splits": 5}}', hyperparams = '{"eta": 0.5}' WHERE id = 1`,
		`SELECT * FROM pgml.deploy(2)`)
	role(t, conn, "reader", "")
	exec(t, conn, `SET ROLE reader`)
	got := column(t, conn, `SELECT concat_ws(' ', model_id, algorithm, hyperparams, runtime, metrics, coalesce(fit_time, -1), deployed, created_at < clock_timestamp()) FROM pgml.compare('p')`)
	want := []string{
		`1 xgboost {"eta": 0.5} python {"f1": 0.9, "fit_time": 1.5} 1.5 f t`,
		`2 linear {} python {"f1": 0.10} -1 t t`,
		`3 xgboost {} python {"f1": null} -1 f t`, // the fourth is not finished
	}
	if len(got) != len(want) {
		t.Fatalf("got %q", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %s\nwant %s", got[i], want[i])
		}
	}
	if got := column(t, conn, `SELECT model_id::text FROM pgml.compare('empty')`); len(got) != 0 {
		t.Errorf("empty project: %q", got)
	}
	_, err := conn.Exec(context.Background(), `SELECT * FROM pgml.compare('nobody')`)
	wantError(t, "unknown project", err, "XX000", "Project `nobody` does not exist.")
	exec(t, conn, `RESET ROLE`)
}
