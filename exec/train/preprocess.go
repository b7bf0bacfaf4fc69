package train

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/preprocess"
)

// preprocessors are what the argument preprocess asks for, by column.
type preprocessors map[string]preprocess.Options

// parsePreprocess reads the argument preprocess. Options that there are not are PostgresML's error.
func parsePreprocess(text json.RawMessage) (preprocessors, error) {
	var columns map[string]json.RawMessage
	if err := json.Unmarshal(object(text), &columns); err != nil {
		return nil, function.Errorf("22023", "pgml.train: preprocess must be a JSON object: %v", err)
	}
	ps := preprocessors{}
	for _, name := range slices.Sorted(maps.Keys(columns)) {
		var o preprocess.Options
		if err := json.Unmarshal(columns[name], &o); err != nil {
			return nil, misuse(name, err)
		}
		ps[name] = o
	}
	return ps, nil
}

// apply gives each feature its options. Columns that there are not, and labels, are errors.
func (ps preprocessors) apply(fs []feature, isLabel func(name string) bool) error {
	names := make([]string, len(fs))
	at := map[string]*feature{}
	for i := range fs {
		names[i] = fs[i].Name
		at[fs[i].Name] = &fs[i]
	}
	for _, name := range slices.Sorted(maps.Keys(ps)) {
		o := ps[name]
		f := at[name]
		switch {
		case f == nil && isLabel(name):
			if o.Encode == preprocess.Native && o.Impute == preprocess.Error && o.Scale == preprocess.Preserve {
				continue
			}
			return function.Errorf("22023", "preprocess names the label \"%s\", which is not preprocessed", name)
		case f == nil:
			return function.Errorf("42703", "preprocess names a column \"%s\", which the relation does not have", clip(name, 100)).
				WithHint("The features are " + clip(strings.Join(names, ", "), 500) + ".")
		}
		if err := o.Check(f.text()); err != nil {
			return misuse(name, err)
		}
		f.options = o
	}
	return nil
}

// within reports whether others ask for the same, and perhaps for more.
func (ps preprocessors) within(others preprocessors) bool {
	for name, o := range ps {
		other, ok := others[name]
		if !ok || o.Encode != other.Encode || !slices.Equal(o.List, other.List) || o.Impute != other.Impute || o.Scale != other.Scale {
			return false
		}
	}
	return true
}
