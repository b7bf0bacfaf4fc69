// Package param reads hyperparameters and options as clients write them. It knows none by name.
package param

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Number takes the types that a JSON decoder and Go callers use for numbers.
func Number(v any) (float64, bool) {
	switch x := v.(type) {
	case float64:
		return x, true
	case float32:
		return float64(x), true
	case int:
		return float64(x), true
	case int32:
		return float64(x), true
	case int64:
		return float64(x), true
	case uint64:
		return float64(x), true
	case json.Number:
		f, err := x.Float64()
		return f, err == nil
	}
	return 0, false
}

// A Check returns why a number can't be used, or "".
type Check func(x float64) string

// AtLeast takes numbers from low on.
func AtLeast(low float64) Check {
	return func(x float64) string {
		if x < low {
			return fmt.Sprintf("must be %v or more, not %v", low, x)
		}
		return ""
	}
}

// Above takes numbers beyond low.
func Above(low float64) Check {
	return func(x float64) string {
		if x <= low {
			return fmt.Sprintf("must be more than %v, not %v", low, x)
		}
		return ""
	}
}

// Nearest is the known name that one was probably meant to be, in whatever case it was written, or "". Of equals it is the one that sorts first.
func Nearest(name string, known []string) string {
	best, least := "", len(name)/2+1
	for _, k := range slices.Sorted(slices.Values(known)) {
		if d := distance(strings.ToLower(name), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	return best
}

// distance counts the inserted, deleted and changed bytes between a and b.
func distance(a, b string) int {
	if len(a) > 64 { // no name is as long, and the work must not depend on a client's patience
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
