package linear

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pgowl/pgowl/models/param"
)

// setter puts a value as a client wrote it into parameters; it returns the reason why it can't, or "".
type setter[P any] func(p *P, v any) string

func between01(x float64) string {
	if x < 0 || x > 1 {
		return fmt.Sprintf("must be from 0 to 1, not %v", x)
	}
	return ""
}

// number takes a number that passes ok; set may be nil for one without effect, as with all that follow.
func number[P any](set func(*P, float64), ok param.Check) setter[P] {
	return func(p *P, v any) string {
		x, isNumber := param.Number(v)
		if !isNumber || !(math.Abs(x) <= 1e100) {
			return "must be a number"
		}
		if ok != nil {
			if reason := ok(x); reason != "" {
				return reason
			}
		}
		if set != nil {
			set(p, x)
		}
		return ""
	}
}

func integer[P any](set func(*P, int), low, high int) setter[P] {
	return func(p *P, v any) string {
		x, isNumber := param.Number(v)
		switch {
		case !isNumber || x != math.Trunc(x) || math.Abs(x) > 1<<53:
			return "must be an integer"
		case x < float64(low):
			return fmt.Sprintf("must be %d or more, not %v", low, x)
		case x > float64(high):
			return fmt.Sprintf("must be %d or less, not %v", high, x)
		}
		if set != nil {
			set(p, int(x))
		}
		return ""
	}
}

// jobs takes scikit-learn's n_jobs: a number of threads, -1 for one a core, or null for its default. All cores are the default here.
func jobs[P any](set func(*P, int)) setter[P] {
	return orNull(integer(func(p *P, n int) { set(p, max(n, 0)) }, -1024, 1024))
}

func truth[P any](set func(*P, bool)) setter[P] {
	return func(p *P, v any) string {
		yes, ok := v.(bool)
		if x, isNumber := param.Number(v); isNumber && (x == 0 || x == 1) {
			yes, ok = x == 1, true
		}
		if !ok {
			return "must be true or false"
		}
		if set != nil {
			set(p, yes)
		}
		return ""
	}
}

// choice takes one of some texts.
func choice[P any](set func(*P, string), known ...string) setter[P] {
	return func(p *P, v any) string {
		s, ok := v.(string)
		if !ok || !slices.Contains(known, s) {
			return "must be one of " + strings.Join(known, ", ")
		}
		if set != nil {
			set(p, s)
		}
		return ""
	}
}

// orNull takes null as if the parameter were not given.
func orNull[P any](set setter[P]) setter[P] {
	return func(p *P, v any) string {
		if v == nil {
			return ""
		}
		return set(p, v)
	}
}
