package text

import "fmt"

// ModelError says what is wrong with the files of a model.
type ModelError struct {
	Model string // the model's name, or its folder
	Err   error
}

func (e *ModelError) Error() string { return fmt.Sprintf("model %q: %v", e.Model, e.Err) }
func (e *ModelError) Unwrap() error { return e.Err }
