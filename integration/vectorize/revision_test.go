package vectorize

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Vectors of two revisions of a model do not come to stand side by side: the status tells of another one, and pgml.vectorize begins anew.
func TestAnotherRevision(t *testing.T) {
	w := open(t)
	w.stop()
	// A model folder of our own, whose receipt we write.
	models := t.TempDir()
	from, to := filepath.Join(os.Getenv("PGOWL_MODELS"), model), filepath.Join(models, model)
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	receipt := filepath.Join(to, "pgowl.json")
	start := func(commit string) {
		if err := os.WriteFile(receipt, fmt.Appendf(nil, `{"revision": "main", "commit": %q}`, commit), 0o644); err != nil {
			t.Fatal(err)
		}
		w.owl, w.stop = w.proxyWith(models)
		w.me = w.dial(w.owl)
	}
	first, second := strings.Repeat("a1", 20), strings.Repeat("b2", 20)
	start(first)
	w.run(w.me, "CREATE TABLE docs (id int PRIMARY KEY, body text); INSERT INTO docs SELECT i, 'text ' || i FROM generate_series(1, 50) i")
	id := w.ask(w.me, "SELECT pgml.vectorize('docs', 'body')")
	w.settled()
	if got := w.ask(w.me, "SELECT pgml.vectorize('docs', 'body')"); got != id {
		t.Errorf("the same revision: column %s became %s", id, got)
	}
	w.stop()
	start(second)
	w.run(w.me, "UPDATE docs SET body = 'changed' WHERE id = 1")
	w.await("SELECT state || ' ' || (last_error LIKE '%commit "+second+", than the vectors are, commit "+first+"%') || ' ' || waiting || ' ' || failed FROM pgml.vectorize_status", "failing true 1 0")
	if got := w.ask(w.super, "SELECT max(attempts) FROM pgml.vector_queue"); got != "0" {
		t.Errorf("%s attempts", got)
	}
	next := w.ask(w.me, "SELECT pgml.vectorize('docs', 'body')")
	if next == id {
		t.Error("another revision: nothing is made anew")
	}
	w.settled()
	w.same(next, w.alice+".docs", "id", "body")
	if got := w.ask(w.super, "SELECT state || ' ' || (SELECT model_revision FROM pgml.vectorized) FROM pgml.vectorize_status"); got != "active commit "+second {
		t.Errorf("state %s", got)
	}
	// What does not say which it is passes for any.
	w.stop()
	start("")
	w.run(w.me, "UPDATE docs SET body = 'changed again' WHERE id = 1")
	w.settled()
	if got := w.ask(w.me, "SELECT pgml.vectorize('docs', 'body')"); got != next {
		t.Errorf("an unknown revision: column %s became %s", next, got)
	}
	w.same(next, w.alice+".docs", "id", "body")
}
