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
	At   int // in the pattern, in code points
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("%s at position %d cannot be done in linear time, and is not supported", e.What, e.At)
}

// LimitError is a pattern that is too large, or a text that makes it so.
type LimitError struct{ What string }

func (e *LimitError) Error() string { return e.What }
