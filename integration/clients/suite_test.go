package clients

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// outcomes are what a suite's checks came to, by the check's name: a test's verdict, or what a program of ours printed.
type outcomes map[string]string

// The verdicts of suites that are not ours.
const (
	passed  = "pass"
	failed  = "fail"
	skipped = "skip"
)

// side is one of the two ways to the same database.
type side struct {
	name       string
	host, port string
	owl        *owl // nil where it is the server itself
}

// suite is a client's tests, run as often as there are sides.
type suite struct {
	name    string
	atLeast int // checks that have to pass on the server itself, so that a suite which does not start is not taken for one without differences
	// run runs the checks with these names, all where there are none.
	run func(t *testing.T, to side, only []string) outcomes
	// except tells of checks that must differ, and why.
	except map[string]string
	// retries says that a difference counts only if it shows again when its checks are run by themselves: others' tests have limits of
	// time that a busy machine breaks, and here both sides may.
	retries int
}

// compare runs a suite on both sides and wants the same outcomes.
func (s suite) compare(t *testing.T, r *rig) {
	t.Helper()
	direct := s.run(t, r.direct, nil)
	r.reset(t)
	through := s.run(t, r.through, nil)
	r.reset(t)
	n := direct.count()
	t.Logf("%s: directly %d passed, %d failed, %d skipped", s.name, n[passed], n[failed], n[skipped])
	if n[passed] < s.atLeast {
		t.Errorf("%s: directly %d checks passed, want %d or more; failed: %s", s.name, n[passed], s.atLeast, strings.Join(direct.with(failed), ", "))
	}
	different := s.differences(direct, through)
	for range s.retries {
		if len(different) == 0 {
			break
		}
		t.Logf("%s: %d outcomes differ, so these checks are run again: %s", s.name, len(different), strings.Join(different, ", "))
		maps.Copy(direct, s.run(t, r.direct, different))
		r.reset(t)
		maps.Copy(through, s.run(t, r.through, different))
		r.reset(t)
		different = s.differences(direct, through)
	}
	for _, name := range different {
		t.Errorf("%s: %s\ndirectly      %s\nthrough PgOwl %s", s.name, name, orNone(direct[name]), orNone(through[name]))
	}
	for name, why := range s.except {
		if direct[name] == through[name] {
			t.Errorf("%s: %s does not differ any more (%s)", s.name, name, why)
		}
	}
	n = through.count()
	t.Logf("%s: through PgOwl %d passed, %d failed, %d skipped; %d differences", s.name, n[passed], n[failed], n[skipped], len(different))
	if both := direct.with(failed); len(both) > 0 {
		t.Logf("%s: fail directly, too: %s", s.name, strings.Join(both, ", "))
	}
}

func (s suite) differences(a, b outcomes) []string {
	names := map[string]bool{}
	for name := range a {
		names[name] = true
	}
	for name := range b {
		names[name] = true
	}
	var out []string
	for name := range names {
		if a[name] != b[name] && s.except[name] == "" {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// count gives the number of checks by verdict; what is no verdict is a program's line, and passed.
func (o outcomes) count() map[string]int {
	n := map[string]int{}
	for _, v := range o {
		if v != failed && v != skipped {
			v = passed
		}
		n[v]++
	}
	return n
}

func (o outcomes) with(verdict string) []string {
	var names []string
	for name, v := range o {
		if v == verdict {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func orNone(text string) string {
	if text == "" {
		return "(nothing)"
	}
	return text
}

func TestComparingSeesDifferences(t *testing.T) {
	s := suite{except: map[string]string{"must": "for a reason"}}
	got := s.differences(outcomes{"a": passed, "b": passed, "c": "1", "must": passed}, outcomes{"a": passed, "b": failed, "d": "1", "must": failed})
	if want := []string{"b", "c", "d"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
