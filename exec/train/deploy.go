package train

import (
	"context"
	"fmt"

	"github.com/pgowl/pgowl/exec/function"
)

const (
	// lockProject makes trainings of one project that end at the same time decide one after the other, each seeing the
	// one before. (NO KEY, so that new models' references to the project do not wait.)
	lockProject = `SELECT p.id FROM pgml.projects p WHERE p.id = ($1->>'project')::bigint FOR NO KEY UPDATE`

	liveMetrics = `
SELECT d.model_id AS id, m.metrics FROM pgml.deployments d JOIN pgml.models m ON m.id = d.model_id
WHERE d.project_id = ($1->>'project')::bigint ORDER BY d.created_at DESC, d.id DESC LIMIT 1`

	newDeployment = `SELECT pgowl.record_deployment(($1->>'project')::bigint, ($1->>'model')::bigint, 'new_score') AS id`
)

// deploy makes the model the project's live one, unless that has been switched off or the live one is strictly better.
func (r *run) deploy(ctx context.Context, p project, m *model) (bool, error) {
	if !r.req.AutomaticDeploy {
		r.warn("Automatic deployment disabled via configuration.")
		r.warn("Not deploying newly trained model.")
		return false, nil
	}
	args := map[string]any{"project": p.ID, "model": m.id}
	if _, err := one[idRow](ctx, r.s, lockProject, args); err != nil {
		return false, err
	}
	live, err := query[struct {
		ID      int64          `json:"id"`
		Metrics map[string]any `json:"metrics"`
	}](ctx, r.s, function.Owner, liveMetrics, args)
	if err != nil {
		return false, err
	}
	if len(live) > 0 && !r.better(keyMetric(p.Task, m.ranked), m.metrics, live[0].Metrics) {
		r.warn("Not deploying newly trained model.")
		return false, nil
	}
	if _, err := one[idRow](ctx, r.s, newDeployment, args); err != nil {
		return false, err
	}
	r.info(fmt.Sprintf("Deploying model id: %d", m.id))
	return true, nil
}

// better compares the key metric with that of the live model; a tie counts as better.
func (r *run) better(key string, fresh []metric, live map[string]any) bool {
	var a float64
	hasA := false
	for _, m := range fresh {
		if m.name == key && m.value == m.value {
			a, hasA = m.value, true
		}
	}
	b, hasB := live[key].(float64)
	switch {
	case !hasA && hasB:
		r.warn("No metrics for new model. Retaining old model.")
		return false
	case hasA && !hasB:
		r.warn("No metrics for deployed model. Deploying new model.")
		return true
	case !hasA:
		r.warn("No metrics available for both deployed and new model. Deploying new model.")
		return true
	}
	r.info(fmt.Sprintf("Comparing to deployed model %s: Some(%s)", key, debug(b, 64)))
	if b > a {
		r.warn(fmt.Sprintf("New model's %s is not better than current model. New: %s, Current %s", key, display(a, 64), display(b, 64)))
		return false
	}
	return true
}
