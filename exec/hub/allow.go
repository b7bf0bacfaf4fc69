package hub

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgowl/pgowl/models/text/names"
)

// NotAllowedError is a model that the setting pgml.huggingface_whitelist does not name, in PostgresML's words.
type NotAllowedError struct{ Name string }

func (e *NotAllowedError) Error() string { return fmt.Sprintf("model %s is not whitelisted.", e.Name) }

// Allow compares a model's name with the setting's value: names separated by commas, of which NAME and sentence-transformers/NAME are the same. An empty list allows all. Errors: *names.Error,
// *NotAllowedError.
func Allow(whitelist, name string) error {
	n, err := names.Parse(name)
	if err != nil {
		return err
	}
	var list []string
	for entry := range strings.SplitSeq(strings.Trim(strings.TrimSpace(whitelist), `"`), ",") {
		if entry = strings.TrimSpace(entry); entry != "" {
			list = append(list, entry)
		}
	}
	if len(list) == 0 || slices.ContainsFunc(list, func(entry string) bool {
		listed, err := names.Parse(entry)
		return err == nil && listed == n
	}) {
		return nil
	}
	return &NotAllowedError{Name: name}
}
