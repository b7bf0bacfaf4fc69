package texts

import (
	"path/filepath"
	"testing"

	"github.com/pgowl/pgowl/exec"
	"github.com/pgowl/pgowl/exec/textmodels"
	"github.com/pgowl/pgowl/integration/owltest"
	"github.com/pgowl/pgowl/integration/pgtest"
)

// TestSharedModel: of two proxies of a database one has a model in its folder, and the other has it from the database once it was pushed.
func TestSharedModel(t *testing.T) {
	full := rankers(t)
	empty := exec.Options{Models: t.TempDir(), Library: full.Library}
	url := pgtest.Database(t)
	full.Service, empty.Service = url, url
	throughFull, _ := owltest.Start(t, url, full)
	throughEmpty, stop := owltest.Start(t, url, empty)
	one, two, straight := dial(t, throughFull), dial(t, throughEmpty), dial(t, url)
	const embed, rank = `SELECT pgml.embed('plain', 'hello a b')::text`, `SELECT string_agg(r::text, ' ') FROM pgml.rank('sentence-transformers/cross', 'hello', ARRAY['hello', 'a b c']) r`
	var want, got string
	for _, sql := range []string{embed, rank} {
		if err := two.QueryRow(t.Context(), sql).Scan(&got); err == nil {
			t.Fatal("a model that is nowhere:", got)
		}
	}
	for _, name := range []string{"plain", "cross"} {
		if changed, err := textmodels.Push(t.Context(), straight, textmodels.PushOptions{Dir: full.Models, Name: name}); err != nil || !changed {
			t.Fatal(changed, err)
		}
	}
	for _, sql := range []string{embed, rank} {
		if err := one.QueryRow(t.Context(), sql).Scan(&want); err != nil {
			t.Fatal(err)
		}
		if err := two.QueryRow(t.Context(), sql).Scan(&got); err != nil || got != want {
			t.Errorf("%s: %s, want %s; %v", sql, got, want, err)
		}
	}
	if kept, _ := filepath.Glob(filepath.Join(empty.Models, ".database", "*", "*", "config.json")); len(kept) != 2 {
		t.Errorf("kept %q", kept)
	}
	stop()
}
