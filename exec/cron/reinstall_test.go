package cron

import (
	"testing"
	"time"
)

// DROP EXTENSION and CREATE EXTENSION under a running scheduler: it waits, ends what ran, and goes on with the new tables,
// whose ids begin again at 1 for the same minutes.
func TestDroppedAndMadeAgain(t *testing.T) {
	d := newDatabase(t)
	super, owner := dial(t, d.super), dial(t, d.owner)
	do(t, super, "SELECT pgowl.create_extension('pg_cron', true)")
	schedule(t, super, "* * * * *", "SELECT 1")
	do(t, super, "SELECT cron.schedule('long', '* * * * *', 'SELECT pg_sleep(1000)')")
	b := start(t, d, nil)
	b.clock.set(b.clock.Now().Add(time.Minute))
	waitFor(t, super, "SELECT count(*) = 1 FROM cron.job_run_details WHERE status = 'running' AND command LIKE '%pg_sleep%'")
	do(t, super, "SELECT pgowl.drop_extension('pg_cron', false, true)")
	b.until("lost")
	waitFor(t, super, "SELECT count(*) = 0 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(1000)' AND datname = current_database()")
	do(t, super, "SELECT pgowl.create_extension('pg_cron', false)")
	do(t, owner, "GRANT USAGE ON SCHEMA cron TO PUBLIC")
	if id := schedule(t, dial(t, d.alice), "* * * * *", "SELECT 1"); id != 1 {
		t.Errorf("first job has id %d", id)
	}
	b.until("lead")
	b.clock.set(b.clock.Now().Add(time.Minute))
	waitFor(t, super, "SELECT count(*) = 1 FROM cron.job_run_details WHERE status = 'succeeded' AND jobid = 1")
}
