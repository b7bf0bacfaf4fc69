// Package names reads the names that clients give to models, which are hostile input, and tells the folder and the hub repository
// that each stands for. A bare name is one of the sentence-transformers organisation, so both spellings name the same model.
package names

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Organisation is whose models a bare name means.
const Organisation = "sentence-transformers"

// maxPart is the longest organisation or model name that the hub gives out.
const maxPart = 96

// Name is a model's name: well formed, and safe as a relative path.
type Name struct{ organisation, model string }

// Error is a text that names no model.
type Error struct{ Name string }

func (e *Error) Error() string {
	name := e.Name
	if len(name) > 120 {
		name = name[:120] + "..."
	}
	return fmt.Sprintf("%q is not a model name: want NAME or ORGANISATION/NAME of letters, digits, '.', '_' and '-'", name)
}

// Parse reads NAME or ORGANISATION/NAME. Each part has 1 to 96 letters, digits, dots, underscores and hyphens of ASCII, and begins
// with a letter or a digit, so no name can leave a folder or hide in it. The error is an *Error.
func Parse(s string) (Name, error) {
	organisation, model, both := strings.Cut(s, "/")
	if !both {
		organisation, model = Organisation, s
	}
	if !wellFormed(organisation) || !wellFormed(model) {
		return Name{}, &Error{Name: s}
	}
	return Name{organisation, model}, nil
}

func wellFormed(part string) bool {
	if part == "" || len(part) > maxPart {
		return false
	}
	for i := range len(part) {
		switch c := part[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case i > 0 && (c == '.' || c == '_' || c == '-'):
		default:
			return false
		}
	}
	return true
}

// String is the shortest spelling: NAME for the organisation that a bare name means, else ORGANISATION/NAME.
func (n Name) String() string {
	if n.organisation == Organisation {
		return n.model
	}
	return n.organisation + "/" + n.model
}

// Repository is the model's repository on the hub, with its organisation.
func (n Name) Repository() string { return n.organisation + "/" + n.model }

// Folders are the paths, relative to the model folder, where the model may lie. The first is where a new one goes.
func (n Name) Folders() []string {
	long := filepath.Join(n.organisation, n.model)
	if n.organisation == Organisation {
		return []string{n.model, long}
	}
	return []string{long}
}
