package wire

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
)

// Everything but the stack: what Postgres answers, a proxy has to answer, whether it has the stack or not, and however the bytes are cut.
func TestPlain(t *testing.T) {
	w := open(t)
	paths, _ := filepath.Glob("testdata/plain/*.txt")
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			script := readScript(t, path)
			want := w.run(t, w.direct, script, 0)
			if failed := want[0]; failed != nil {
				t.Fatalf("direct: %s", failed)
			}
			cut := w.owl
			cut.cut = true
			compare(t, "proxy", want, w.run(t, w.plain, script, 0))
			compare(t, "proxy with the stack", want, w.run(t, w.owl, script, 0))
			for seed := range uint64(2) {
				compare(t, "proxy with the stack, cut", want, w.run(t, cut, script, seed))
			}
		})
	}
}

// The stack: a statement has to be answered alike in every lane. Where strings do not conform to the standard PgOwl reads no text, so every
// statement takes the call lane, which sends the client's messages as they are.
func TestLanes(t *testing.T) {
	w := open(t)
	paths, _ := filepath.Glob("testdata/lanes/*.txt")
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			if strings.Contains(path, "embed") && !hasText() {
				t.Skip("no text model here: run make setup")
			}
			script := readScript(t, path)
			call, lanes := w.owl, w.owl
			call.settings = []string{"standard_conforming_strings", "off"}
			lanes.settings = []string{"standard_conforming_strings", "on"}
			want := w.run(t, call, script, 0)
			if failed := want[0]; failed != nil {
				t.Fatalf("call lane: %s", failed)
			}
			want = early(want)
			compare(t, "lanes", want, early(w.run(t, lanes, script, 0)))
			lanes.cut = true
			for seed := range uint64(2) {
				compare(t, "lanes, cut", want, early(w.run(t, lanes, script, seed)))
			}
		})
	}
}

// early drops a BindComplete or a RowDescription right before an error. The server evaluates a call of constants while it plans, so before
// it sends them; a call that was folded, and fails, fails when the statement runs.
func early(runs map[int][]string) map[int][]string {
	all := map[int][]string{}
	for n, log := range runs {
		var kept []string
		for _, m := range log {
			if m[0] == 'E' && m != "EOF" {
				for len(kept) > 0 && (kept[len(kept)-1][0] == '2' || kept[len(kept)-1][0] == 'T') {
					kept = kept[:len(kept)-1]
				}
			}
			kept = append(kept, m)
		}
		all[n] = kept
	}
	return all
}

// CREATE EXTENSION of ours is answered as that of an extension that is there.
func TestExtension(t *testing.T) {
	w := open(t)
	script := readScript(t, "testdata/extension.txt")
	if _, err := w.connect(t, w.owl).Exec(context.Background(), "CREATE EXTENSION IF NOT EXISTS pgml"); err != nil {
		t.Fatal(err)
	}
	want := w.run(t, w.direct, script, 0)
	ours := append([]command(nil), script...)
	for i := range ours {
		ours[i].rest = strings.ReplaceAll(ours[i].rest, "plpgsql", "pgml")
	}
	got := w.run(t, w.owl, ours, 0)
	for _, log := range got {
		for i, m := range log {
			log[i] = strings.ReplaceAll(m, "pgml", "plpgsql")
		}
	}
	compare(t, "proxy with the stack", want, got)
}

// What only a hostile client sends is answered, and the session goes on.
func TestSurvives(t *testing.T) {
	w := open(t)
	paths, _ := filepath.Glob("testdata/survive/*.txt")
	for _, path := range paths {
		if failed := w.run(t, w.owl, readScript(t, path), 0)[0]; failed != nil {
			t.Errorf("%s: %s", path, failed)
		}
	}
}
