package text

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/pgowl/pgowl/models/text/names"
)

// find returns the folder of a model: one with a config.json.
func (s *Store) find(name names.Name) (string, error) {
	for _, folder := range name.Folders() {
		dir := filepath.Join(s.options.Dir, folder)
		switch _, err := os.Stat(filepath.Join(dir, "config.json")); {
		case err == nil:
			return dir, nil
		case !errors.Is(err, fs.ErrNotExist):
			return "", &ModelError{Model: name.String(), Err: errors.Unwrap(err)} // its path is nobody's business
		}
	}
	return "", &MissingError{Name: name.String()}
}

// List returns the names of the models in the folder, in the order of the alphabet. A folder that is not there has none.
func (s *Store) List() ([]string, error) {
	seen := map[string]bool{}
	for _, pattern := range []string{"*", "*/*"} {
		// A glob would trip over special characters in the folder's own name.
		found, err := fs.Glob(os.DirFS(s.options.Dir), pattern+"/config.json")
		if err != nil {
			return nil, err
		}
		for _, path := range found {
			name, err := names.Parse(filepath.ToSlash(filepath.Dir(path)))
			if err != nil {
				continue // not made by us
			}
			if dir, err := s.find(name); err == nil && isModel(dir) {
				seen[name.String()] = true
			}
		}
	}
	list := make([]string, 0, len(seen))
	for name := range seen {
		list = append(list, name)
	}
	slices.Sort(list)
	return list, nil
}

// isModel tells a model's folder from one inside a model, such as 1_Pooling.
func isModel(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "tokenizer.json"))
	return err == nil
}
