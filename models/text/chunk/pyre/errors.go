package pyre

import "fmt"

// SyntaxError is a pattern that Python refuses, too.
type SyntaxError struct {
	Reason string // as Python says it
	At     int    // in the pattern, in code points
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("%s at position %d", e.Reason, e.At) }

// UnsupportedError is a pattern of Python's that this package cannot do.
type UnsupportedError struct {
	What string
	At   int    // in the pattern, in code points
	Why  string // or what to do instead
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("%s at position %d is not supported: %s", e.What, e.At, e.Why)
}

// linear is why most is not supported.
const linear = "it takes more than linear time"

// LimitError is a pattern that is too large, or a text that makes it so.
type LimitError struct{ What string }

func (e *LimitError) Error() string { return e.What }
