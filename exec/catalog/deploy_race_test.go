package catalog

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/integration/pgtest"
)

// TestDeploysAtOnce has sessions in different time zones deploy models of one project by every strategy at once. Played back in the order of the
// deployments, each must be what its strategy says after the ones before it, and none may be older than the one before: so that each saw the
// others and none was lost.
func TestDeploysAtOnce(t *testing.T) {
	ctx := context.Background()
	url := pgtest.Database(t)
	conn := connect(t, url)
	migrateOK(t, conn)
	registry(t, conn) // models 1 (f1 0.9), 2 (0.1), 3 (null)
	exec(t, conn, `SELECT * FROM pgml.deploy(1)`, `SELECT * FROM pgml.deploy(2)`)
	calls := []string{`deploy(1)`, `deploy(2)`, `deploy(3)`, `deploy('p', 'best_score')`, `deploy('p', 'most_recent')`, `deploy('p', 'rollback')`, `deploy('p', 'rollback')`}
	const sessions, each = 6, 25
	var wait sync.WaitGroup
	for n := range sessions {
		s := connect(t, url)
		exec(t, s, `SET TimeZone = '`+[]string{"UTC", "Asia/Tokyo", "America/Los_Angeles"}[n%3]+`'`)
		dice := rand.New(rand.NewPCG(1, uint64(n)))
		wait.Go(func() {
			for range each {
				tx, err := s.Begin(ctx)
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := tx.Exec(ctx, `SELECT * FROM pgml.`+calls[dice.IntN(len(calls))]); err != nil {
					t.Error(err)
					return
				}
				end := tx.Commit
				if dice.IntN(5) == 0 {
					end = tx.Rollback
				}
				if err := end(ctx); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wait.Wait()
	type row struct {
		ID, Model int64
		Strategy  string
		Ordered   bool
	}
	rows, err := conn.Query(ctx, `SELECT id, model_id, strategy::text, coalesce(created_at > lag(created_at) OVER (ORDER BY id), true) FROM pgml.deployments ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < sessions*each/2 {
		t.Errorf("%d deployments are left", len(all))
	}
	var models []int64
	for i, r := range all {
		if !r.Ordered {
			t.Errorf("deployment %d is older than the one before", r.ID)
		}
		want := r.Model
		switch r.Strategy {
		case "best_score":
			want = 1
		case "most_recent":
			want = 3
		case "rollback":
			for k := i - 1; k >= 0; k-- {
				if models[k] != models[i-1] {
					want = models[k]
					break
				}
			}
		}
		if r.Model != want {
			t.Errorf("deployment %d (%s) is of model %d, want %d", r.ID, r.Strategy, r.Model, want)
		}
		models = append(models, r.Model)
	}
	var live int64
	var deployed int
	if err := conn.QueryRow(ctx, `SELECT pgowl.live_model('p'), (SELECT count(*) FROM pgml.trained_models WHERE deployed)`).Scan(&live, &deployed); err != nil {
		t.Fatal(err)
	}
	if live != models[len(models)-1] || deployed != 1 {
		t.Errorf("live is %d of %d models, want %d alone", live, deployed, models[len(models)-1])
	}
}
