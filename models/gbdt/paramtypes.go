package gbdt

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pgowl/pgowl/models/param"
)

func fraction(x float64) string {
	if x <= 0 || x > 1 {
		return fmt.Sprintf("must be more than 0 and at most 1, not %v", x)
	}
	return ""
}

func between12(x float64) string {
	if x <= 1 || x >= 2 {
		return fmt.Sprintf("must be between 1 and 2, not %v", x)
	}
	return ""
}

func number(set func(*params, float64), ok param.Check) setter {
	return func(p *params, v any) string {
		x, isNumber := param.Number(v)
		if !isNumber || math.IsNaN(x) || math.IsInf(x, 0) || math.Abs(x) > math.MaxFloat32 {
			return "must be a number"
		}
		if ok != nil {
			if reason := ok(x); reason != "" {
				return reason
			}
		}
		set(p, x)
		return ""
	}
}

func integer(set func(*params, int), low, high int) setter {
	return func(p *params, v any) string {
		x, isNumber := param.Number(v)
		// Beyond 2^53 a JSON number is no longer the integer that was written.
		if !isNumber || x != math.Trunc(x) || math.Abs(x) > 1<<53 {
			return "must be an integer"
		}
		if n := int(x); n < low || n > high {
			if n > high {
				return fmt.Sprintf("must be %d or less, not %d", high, n)
			}
			return fmt.Sprintf("must be %d or more, not %d", low, n)
		}
		set(p, int(x))
		return ""
	}
}

func boolean(_ *params, v any) string {
	if _, ok := v.(bool); ok {
		return ""
	}
	if x, ok := param.Number(v); ok && (x == 0 || x == 1) {
		return ""
	}
	return "must be true or false"
}

// texts takes a text or an array of texts, each of them one of known when that is not nil; later are XGBoost's values that
// are not here yet.
func texts(known, later []string) setter {
	return func(_ *params, v any) string {
		values := []any{v}
		if list, ok := v.([]any); ok {
			values = list
		}
		for _, v := range values {
			s, ok := v.(string)
			switch {
			case !ok:
				return "must be a text"
			case slices.Contains(later, s):
				return fmt.Sprintf("%q is not available yet", s)
			case known != nil && !slices.Contains(known, s):
				return fmt.Sprintf("%q is none of %s", s, strings.Join(known, ", "))
			}
		}
		return ""
	}
}

func setGrowPolicy(p *params, v any) string {
	switch v {
	case "depthwise":
		p.lossGuide = false
	case "lossguide", "loss_guide":
		p.lossGuide = true
	default:
		return "must be depthwise or lossguide"
	}
	return ""
}

func setObjective(p *params, v any) string {
	s, ok := v.(string)
	if !ok {
		return "must be a text"
	}
	if s == "reg:linear" {
		s = "reg:squarederror"
	}
	if _, ok := objectives[s]; ok {
		p.objective = s
		return ""
	}
	if why, ok := laterObjectives[s]; ok {
		return fmt.Sprintf("%q %s", s, why)
	}
	return fmt.Sprintf("%q is no objective", s)
}
