package pgxsuite

import (
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
)

// once are tests that only the first run has: TestListenNotifyWhileBusyIsSafe makes 200,000 commits to find a race between a client's
// own goroutines, which takes a third of a run and has nothing to do with how a session came in.
const once = "^TestListenNotifyWhileBusyIsSafe$"

// TestSuite runs the suite on both sides, once for each way in that most of its tests are to take. The first run has all programs,
// the others those that talk to a server.
func TestSuite(t *testing.T) {
	w := openWorld(t)
	var talking []program
	for _, p := range built.programs {
		if p.talks {
			p.skip = once
			talking = append(talking, p)
		}
	}
	for _, r := range []struct {
		main     login
		programs []program
	}{{md5, built.programs}, {scramPlus, talking}, {unix, talking}} {
		t.Run(string(r.main), func(t *testing.T) {
			direct, through := w.sides(t)
			b := &both{programs: r.programs, direct: direct.environment(r.main, w.certs), through: through.environment(r.main, w.certs)}
			want, got := b.run(t, nil)
			for side, r := range map[string]results{"directly": want, "through PgOwl": got} {
				t.Logf("%s: %d passed, %d failed, %d skipped", side, r.count("pass"), r.count("fail"), r.count("skip"))
			}
			if want.count("pass") < 1000 {
				t.Errorf("only %d tests pass directly", want.count("pass"))
			}
			b.compare(t, want, got)
		})
	}
}

// both is a run on two sides.
type both struct {
	programs        []program
	direct, through []string // environments
}

// run runs the programs on both sides at a time: most of the suite's tests wait for a server, or for time to pass.
func (b *both) run(t *testing.T, only map[string][]string) (want, got results) {
	t.Helper()
	var wait sync.WaitGroup
	one := func(to *results, env []string) {
		wait.Go(func() {
			var err error
			if *to, err = run(b.programs, env, runtime.GOMAXPROCS(0), only); err != nil {
				t.Error(err)
			}
		})
	}
	start := time.Now()
	one(&want, b.direct)
	one(&got, b.through)
	wait.Wait()
	if only == nil {
		t.Logf("took %v", time.Since(start).Round(time.Second))
	}
	return want, got
}

// compare reports every test that came out differently, and what it does when it is run again.
func (b *both) compare(t *testing.T, want, got results) {
	t.Helper()
	different := map[string][]string{} // top-level tests, by program
	var all []string
	for _, name := range names(want, got) {
		if want[name].action == got[name].action {
			if action := want[name].action; action == "fail" || action == "skip" {
				t.Logf("%s: %s on both sides:\n%s", name, action, got[name].output)
			}
			continue
		}
		t.Logf("different: %s: directly %q in %v, through PgOwl %q in %v", name, want[name].action, want[name].took, got[name].action, got[name].took)
		all = append(all, name)
		program, top := split(name)
		if top != "" && !slices.Contains(different[program], top) {
			different[program] = append(different[program], top)
		}
	}
	if len(all) == 0 {
		return
	}
	again := b.repeat(t, different)
	excuses := again.excuses(all, want, got)
	for _, name := range all {
		report, end := t.Errorf, ""
		if excuse := excuses[name]; excuse != "" {
			report, end = t.Logf, "\nNo failure: "+excuse
		}
		report("%s: directly %q, through PgOwl %q; run again, %s\n%s%s", name, want[name].action, got[name].action, again.tell(name), output(want[name], got[name]), end)
	}
}

// output is of the side that did not pass.
func output(a, b result) string {
	if b.action == "pass" {
		return "directly:\n" + a.output
	}
	return "through PgOwl:\n" + b.output
}

func names(all ...results) (names []string) {
	for _, r := range all {
		for name := range r {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
