package train

import (
	"sync"
	"testing"

	"go.uber.org/zap"
)

// TestTrainingsAtOnce trains one new project in several sessions at once, over and over. Each training sees what the ones before it deployed, so that
// deployments only ever get better, and every model that is not deployed was worse than one that is.
func TestTrainingsAtOnce(t *testing.T) {
	d := newDatabase(t)
	d.sql(points)
	d.sql("GRANT SELECT ON points TO " + quote(d.alice))
	const sessions, each = 4, 4
	var wait sync.WaitGroup
	for n := range sessions {
		var ss []*session
		for range each {
			ss = append(ss, d.begin())
		}
		wait.Go(func() {
			for i, s := range ss {
				// Rounds that differ give scores that differ; the split is each training's own.
				args := `{"project_name": "p", "task": "regression", "relation_name": "points", "y_column_name": "amount", "algorithm": "xgboost",
					"hyperparams": {"max_depth": 2, "n_estimators": ` + string(rune('1'+(n*3+i*2)%9)) + `}}`
				if _, err := Train(t.Context(), s, request(d, args), nil, zap.NewNop()); err != nil {
					t.Error(err)
					return
				}
				if err := s.tx.Commit(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	if got := d.value("SELECT count(*) || ' ' || count(*) FILTER (WHERE status = 'successful') || ' ' || (SELECT count(*) FROM pgml.projects) || ' ' || (SELECT count(DISTINCT model_id) FROM pgml.files) FROM pgml.models"); got != "16 16 1 16" {
		t.Errorf("models, finished ones, projects, models with files: %s", got)
	}
	if got := d.value(`SELECT count(*) FROM (SELECT (m.metrics->>'r2')::float8 < lag((m.metrics->>'r2')::float8) OVER (ORDER BY d.created_at, d.id) AS worse
		FROM pgml.deployments d JOIN pgml.models m ON m.id = d.model_id) x WHERE worse`); got != "0" {
		t.Errorf("%s deployments are worse than the one before", got)
	}
	if got := d.value(`SELECT count(*) FROM pgml.models m WHERE (m.metrics->>'r2')::float8 > (SELECT (l.metrics->>'r2')::float8 FROM pgml.models l WHERE l.id = pgowl.live_model('p'))`); got != "0" {
		t.Errorf("%s models are better than the live one", got)
	}
	if got := d.value("SELECT count(*) FROM pgml.trained_models WHERE deployed"); got != "1" {
		t.Errorf("%s live models", got)
	}
}
