package pgxsuite

import "testing"

func TestExcuses(t *testing.T) {
	const program, known, other = "pgx/pgconn", "pgx/pgconn TestConnCopyToCanceled", "pgx/pgconn TestOther"
	outcome := func(actions ...string) results {
		r := results{}
		for i, name := range []string{program, known, other} {
			if i < len(actions) && actions[i] != "" {
				r[name] = result{action: actions[i]}
			}
		}
		return r
	}
	fine := outcome("pass", "pass", "pass")
	for name, c := range map[string]struct {
		names     []string
		want, got results
		again     again
		excused   []string
	}{
		"a flaky test, and its program": {[]string{program, known}, fine, outcome("fail", "fail", "pass"), again{[]results{fine}, []results{fine}}, []string{program, known}},
		"which fails always":            {[]string{program, known}, fine, outcome("fail", "fail", "pass"), again{[]results{fine}, []results{outcome("fail", "fail")}}, nil},
		"and another one":               {[]string{program, known, other}, fine, outcome("fail", "fail", "fail"), again{[]results{fine}, []results{fine}}, []string{known}},
		"another one":                   {[]string{program, other}, fine, outcome("fail", "pass", "fail"), again{[]results{fine}, []results{fine}}, nil},
		"a program alone":               {[]string{program}, fine, outcome("fail", "pass", "pass"), again{[]results{fine}, []results{fine}}, nil},
		"the server's side":             {[]string{program, other}, outcome("fail", "pass", "fail"), fine, again{[]results{fine}, []results{fine}}, []string{program, other}},
		"both sides, by turns":          {[]string{other}, fine, outcome("pass", "pass", "fail"), again{[]results{outcome("fail", "pass", "fail")}, []results{fine}}, []string{other}},
	} {
		t.Run(name, func(t *testing.T) {
			excuses := c.again.excuses(c.names, c.want, c.got)
			n := 0
			for _, name := range c.names {
				if excuses[name] != "" {
					n++
				}
			}
			for _, name := range c.excused {
				if excuses[name] == "" {
					t.Errorf("%s is not excused", name)
				}
			}
			if n != len(c.excused) {
				t.Errorf("excuses: %q", excuses)
			}
		})
	}
}
