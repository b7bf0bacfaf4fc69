package chunk

import "fmt"

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
