package wire

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Everything but the stack: what Postgres answers, a proxy has to answer, whether it has the stack or not, and however the bytes come.
// The stack: a statement has to be answered alike in every lane, and as a server with functions of its own would.
func TestScripts(t *testing.T) {
	w := open(t)
	t.Logf("WIRE_SEED=%d", seed)
	t.Run("plain", func(t *testing.T) {
		for _, s := range append(readScripts(t, "testdata/plain/*.txt"), sample(generated())...) {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				w.playPlain(t, s)
			})
		}
	})
	t.Run("stack", func(t *testing.T) {
		stand := w.standIn(t)
		for _, s := range append(readScripts(t, "testdata/stack/*.txt"), sample(stackScripts())...) {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				w.playStandIn(t, stand, s)
			})
		}
	})
	t.Run("lanes", func(t *testing.T) {
		for _, s := range readScripts(t, "testdata/lanes/*.txt") {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				w.playLanes(t, s)
			})
		}
	})
	if f := flag.Lookup("test.run"); !strings.Contains(f.Value.String(), "/") {
		played.check(t)
	}
}

// playPlain plays a script without the stack directly and by every way through a proxy.
func (w *world) playPlain(t *testing.T, s script) {
	direct := func(how manner) (map[int][]string, int) {
		log, got := w.play(w.direct, how, s.commands, seed)
		if failed := log[0]; failed != nil {
			t.Fatalf("direct, %s: %s\n%v", how.name, failed, log)
		}
		return log, got
	}
	want, got := direct(whole)
	played.note(s, want)
	for _, way := range w.ways(s, got < 100_000 && size(s.commands) < 100_000) {
		want := want
		if way.how.once {
			want, _ = direct(once) // what was sent beforehand may matter
		}
		compare(t, way.String(), want, w.run(t, way.to, way.how, s.commands, seed))
		if t.Failed() {
			return // what hangs would hang each time
		}
	}
}

// ways are the ways to play a plain script. Each is cut, in one write, and whole, with each driver, but not all of what that can be
// combined to: that changes from script to script and from run to run. WIRE_FULL asks for everything.
func (w *world) ways(s script, small bool) (all []way) {
	dice := s.dice()
	some := func(ways ...way) {
		if !full {
			n := dice.IntN(len(ways))
			ways = ways[n : n+1]
		}
		all = append(all, ways...)
	}
	for i, f := range w.fronts {
		group := [][]way{{{f.plain, whole}, {f.owl, whole}}, {{f.owl, cut}, {f.crumbs, cut}}}
		if small {
			group[1] = []way{{f.owl, cut}, {f.owl, bytewise}, {f.plain, bytewise}, {f.crumbs, slowly}}
			if !s.has("byte") {
				group = append(group, []way{{f.owl, once}})
			}
		}
		if i > 0 && !full {
			group = [][]way{slices.Concat(group...)}
		}
		for _, g := range group {
			some(g...)
		}
	}
	return all
}

// way is how a script is played.
type way struct {
	to  target
	how manner
}

func (w way) String() string {
	return fmt.Sprintf("%s, %s (WIRE_SEED=%d)", w.to.name, w.how.name, seed)
}

// size is about how many bytes a script sends.
func size(script []command) (n int) {
	for _, c := range script {
		n += len(c.rest)
	}
	return n
}

// playLanes compares the lanes with the call lane. Where strings do not conform to the standard PgOwl reads no text, so every statement
// takes the call lane, which sends the client's messages as they are.
func (w *world) playLanes(t *testing.T, s script) {
	if strings.Contains(s.name, "embed") && !hasText() {
		t.Skip("no text model here: run make setup")
	}
	call, lanes, crumbs := w.owl, w.owl, w.crumbs
	call.settings = []string{"standard_conforming_strings", "off"}
	lanes.settings = []string{"standard_conforming_strings", "on"}
	crumbs.settings = lanes.settings
	want := w.run(t, call, whole, s.commands, seed)
	if failed := want[0]; failed != nil {
		t.Fatalf("call lane: %s", failed)
	}
	played.note(s, want)
	want = early(want)
	for _, way := range []way{{lanes, whole}, {lanes, bytewise}, {lanes, cut}, {crumbs, cut}} {
		compare(t, way.String(), want, early(w.run(t, way.to, way.how, s.commands, seed)))
	}
}

// early drops a BindComplete, a RowDescription and rows right before an error. The server evaluates a call of constants while it plans, so before
// it sends them; a call that was folded, and fails, fails when the statement runs. How many rows come before the one that fails is
// a matter of the plan (a sort computes all of them first), and in the stream lane of how many arrived at once.
func early(runs map[int][]string) map[int][]string {
	all := map[int][]string{}
	for n, log := range runs {
		var kept []string
		for _, m := range log {
			if m[0] == 'E' && m != "EOF" {
				for len(kept) > 0 && strings.IndexByte("2TD", kept[len(kept)-1][0]) >= 0 {
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
	want := w.run(t, w.direct, whole, script, 0)
	ours := append([]command(nil), script...)
	for i := range ours {
		ours[i].rest = strings.ReplaceAll(ours[i].rest, "plpgsql", "pgml")
	}
	got := w.run(t, w.owl, whole, ours, 0)
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
		if failed := w.run(t, w.owl, whole, readScript(t, path), 0)[0]; failed != nil {
			t.Errorf("%s: %s", path, failed)
		}
	}
}
