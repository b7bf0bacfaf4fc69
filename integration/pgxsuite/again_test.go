package pgxsuite

import (
	"fmt"
	"strings"
	"testing"
)

// flaky are top-level tests of pgx's, by program, that now and then fail whatever they talk to, each with the reason. Through PgOwl,
// too, they may fail once where they pass directly: that is told, and is no failure if the test, run again, comes out the same on both sides.
var flaky = map[string]string{
	// Directly, on two processors with eight other things to do, 155 of 300 requests that followed a new session's first statement at once were lost, and some that came 16 ms later.
	// TestCancelOvertakesNothing in integration/fault sees to it that PgOwl loses no more.
	"pgx/pgconn TestConnCopyToCanceled":                 "a server that has not begun with a statement when its cancel request comes forgets the request, which a busy machine can bring about",
	"pgx/pgconn TestCancelRequestContextWatcherHandler": "every session of its stress has five seconds to be opened, which a busy machine can miss",
}

// repeats is how often what differed is run again.
const repeats = 3

// again is what came of that.
type again struct{ want, got []results }

// repeat runs top-level tests again on both sides.
func (b *both) repeat(t *testing.T, tests map[string][]string) again {
	t.Helper()
	var a again
	only := *b
	only.programs = nil
	for _, p := range b.programs {
		if tests[p.name] != nil {
			only.programs = append(only.programs, p)
		}
	}
	for range repeats {
		want, got := only.run(t, tests)
		a.want, a.got = append(a.want, want), append(a.got, got)
	}
	return a
}

// excuses says of those names that differed why that is no failure of PgOwl's, where it isn't. A program has failed by its tests: it is excused if all of those that differed are.
func (a again) excuses(names []string, want, got results) map[string]string {
	excuses := map[string]string{}
	tests, excused := map[string]int{}, map[string]int{} // by program
	of := func(name, reason string) string {
		if got[name].action == "pass" {
			reason = "it was the server's side that failed"
		}
		switch {
		case reason != "" && a.same(name):
			return reason
		case a.comesAndGoes(name, want[name].action, got[name].action):
			return "on both sides it has passed, and has failed"
		}
		return ""
	}
	for _, name := range names {
		program, top := split(name)
		if top == "" {
			continue
		}
		tests[program]++
		if excuses[name] = of(name, flaky[program+" "+top]); excuses[name] != "" {
			excused[program]++
		}
	}
	for _, name := range names {
		if program, top := split(name); top == "" {
			reason := ""
			if tests[program] > 0 && tests[program] == excused[program] {
				reason = "its tests that came out differently are excused"
			}
			excuses[name] = of(name, reason)
		}
	}
	return excuses
}

// same reports whether a test came out the same on both sides, at least once.
func (a again) same(name string) bool {
	for i := range a.want {
		if a.want[i][name].action == a.got[i][name].action && a.want[i][name].action != "" {
			return true
		}
	}
	return false
}

// comesAndGoes reports whether a test, with its first results, has both passed and failed on either side: it depends on something else.
func (a again) comesAndGoes(name, want, got string) bool {
	both := func(first string, later []results) bool {
		seen := map[string]bool{first: true}
		for _, r := range later {
			seen[r[name].action] = true
		}
		return seen["pass"] && seen["fail"]
	}
	return both(want, a.want) && both(got, a.got)
}

// tell says how a test came out.
func (a again) tell(name string) string {
	var text []string
	for i := range a.want {
		text = append(text, fmt.Sprintf("%q and %q", a.want[i][name].action, a.got[i][name].action))
	}
	return strings.Join(text, ", ")
}

// split gives the program and the top-level test that a name belongs to.
func split(name string) (program, top string) {
	program, test, _ := strings.Cut(name, " ")
	top, _, _ = strings.Cut(test, "/")
	return program, top
}
