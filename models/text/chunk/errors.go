package chunk

import (
	"fmt"
	"strings"
)

// UnknownError is the name of a splitter that there is not.
type UnknownError struct{ Splitter string }

// Error has PostgresML's text.
func (e *UnknownError) Error() string { return "Unknown splitter: " + e.Splitter }

// UnavailableError is the name of a splitter of PostgresML's that is not here.
type UnavailableError struct{ Splitter, Reason string }

func (e *UnavailableError) Error() string {
	return fmt.Sprintf("pgml.chunk with splitter %s is not available in PgOwl yet: %s", e.Splitter, e.Reason)
}

// OptionError is a keyword argument that is unknown, has a bad value, or asks for what is not here.
type OptionError struct {
	Name   string
	Reason string
	// Nearest is, for an unknown name, the known one that was probably meant; or "".
	Nearest string
	// Unsupported tells what langchain has and this package has not.
	Unsupported bool
}

func (e *OptionError) Error() string { return fmt.Sprintf("chunk: option %q %s", e.Name, e.Reason) }

// LimitError is a text whose chunks, with what they have in common, would take more memory than a call may.
type LimitError struct{ Bytes int }

func (e *LimitError) Error() string {
	return fmt.Sprintf("the chunks of this text, with their overlaps, would take more than %d MB", e.Bytes>>20)
}

// nearest is the known name that one was probably meant to be, or "".
func nearest(name string, known []string) string {
	best, least := "", len(name)/2+1
	for _, k := range known {
		if d := editDistance(strings.ToLower(name), k); d < least {
			best, least = k, d
		}
	}
	return best
}

// editDistance counts the inserted, deleted and changed bytes between a and b.
func editDistance(a, b string) int {
	if len(a) > 64 { // no option is as long, and the work must not depend on a client's patience
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
