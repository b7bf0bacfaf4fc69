package conf

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// count reads a number of things; 0 is no limit.
func count(to *int, text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > 1_000_000 {
		return fmt.Errorf("%q is no number from 0 to 1000000", text)
	}
	*to = n
	return nil
}

// Sizes of messages: Postgres' own start-up packets need some, and the protocol takes no more than a GiB.
const (
	minSize = 64 << 10
	maxSize = 1 << 30
)

// size reads a number of bytes with a unit as Postgres has it: B, kB, MB or GB, of 1024 each.
func size(to *int, text string) error {
	digits := strings.TrimRight(text, "kMGB ")
	n, err := strconv.Atoi(digits)
	unit := map[string]int{"": 1, "B": 1, "kB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}[strings.TrimSpace(text[len(digits):])]
	if err != nil || unit == 0 || n < 0 || n > maxSize || n*unit < minSize || n*unit > maxSize {
		return fmt.Errorf("%q is no size from 64kB to 1GB", text)
	}
	*to = n * unit
	return nil
}

// memory reads a number of bytes with a unit, 0 for no limit.
func memory(to *int64, text string) error {
	digits := strings.TrimRight(text, "kMGTB ")
	n, err := strconv.ParseInt(digits, 10, 64)
	unit := map[string]int64{"": 1, "B": 1, "kB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}[strings.TrimSpace(text[len(digits):])]
	if err != nil || unit == 0 || n < 0 || n > math.MaxInt64/(1<<40) {
		return fmt.Errorf("%q is no size such as 512MB or 4GB", text)
	}
	*to = n * unit
	return nil
}

// Changed names the settings, by their keys in order, that two configurations were given differently.
func Changed(a, b Config) []string {
	var all []string
	for _, s := range settings {
		before, after := a.Given[s.key], b.Given[s.key]
		if before != after {
			all = append(all, s.key)
		}
	}
	slices.Sort(all)
	return all
}
