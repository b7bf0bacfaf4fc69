package vectorize

import (
	"testing"
	"time"
)

// metric is the value of one of the proxy's metrics, of a column's number if it is not empty; -1: there is none.
func (w *world) metric(name, column string) float64 {
	w.t.Helper()
	families, err := w.metrics.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "pgowl_engine_vectorize_"+name && (column == "" || m.GetLabel()[0].GetValue() == column) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return -1
}

// What waits, for how long, what was embedded and what failed is told to Prometheus.
func TestMetrics(t *testing.T) {
	w := open(t)
	if got := w.metric("waiting_rows", ""); got != -1 {
		t.Errorf("%v rows wait where nothing is vectorized", got)
	}
	w.run(w.me, "CREATE TABLE docs (id int PRIMARY KEY, body text); INSERT INTO docs SELECT i, 'text ' || i FROM generate_series(1, 100) i; CREATE TABLE others (id int PRIMARY KEY, body text)")
	id := w.ask(w.me, "SELECT pgml.vectorize('docs', 'body', chunk => 'character', chunk_kwargs => '{\"separator\": \"\", \"chunk_size\": 1, \"chunk_overlap\": 0}')")
	w.settled()
	w.ask(w.me, "SELECT pgml.vectorize('others', 'body')")
	w.run(w.me, "DELETE FROM docs WHERE id > 90; INSERT INTO docs VALUES (101, repeat('x', 100001))")
	w.await("SELECT max(attempts) > 0 FROM pgml.vector_queue", "true")
	if rows, failures := w.metric("rows_total", ""), w.metric("failures_total", ""); rows != 100 || failures < 1 {
		t.Errorf("%v rows and %v failures are counted, want 100 and 1", rows, failures)
	}
	w.run(w.me, "SELECT pgml.vectorize_pause('docs', 'body'); DELETE FROM docs WHERE id = 101; UPDATE docs SET body = body || '!' WHERE id <= 50")
	waiting := w.ask(w.super, "SELECT count(*) FROM pgml.vector_queue")
	for deadline := time.Now().Add(patience); ; w.run(w.super, "SELECT pg_sleep(0.2)") {
		if rows, oldest := w.metric("waiting_rows", id), w.metric("waiting_seconds", id); rows > 50 && oldest > 0 && oldest < 600 {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("%v rows wait for %v seconds, want %s", rows, oldest, waiting)
		}
	}
	// Trouble with the whole.
	w.run(w.super, "UPDATE pgml.vectorized SET model = 'none'")
	w.run(w.me, "SELECT pgml.vectorize_resume('docs', 'body')")
	w.await("SELECT error IS NOT NULL FROM pgml.vectorized WHERE id = "+id, "true")
	if got := w.metric("column_failures_total", ""); got < 1 {
		t.Errorf("%v times that a column could not be worked on", got)
	}
}
