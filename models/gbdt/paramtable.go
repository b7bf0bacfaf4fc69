package gbdt

import (
	"maps"
	"reflect"
	"slices"

	"github.com/pgowl/pgowl/models/learn"
	"github.com/pgowl/pgowl/models/param"
)

// table holds the parameters of a library: every one that is known by its main name, and the other names.
type table struct {
	setters map[string]setter
	aliases map[string]string
}

// read puts hyperparameters into p, and returns the name that each was written with, by its main name. Errors are *learn.ParamError, the one for the name
// that sorts first.
func (t *table) read(p *params, in map[string]any) (given map[string]string, err error) {
	given = map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		v := in[name]
		canon := name
		if a, ok := t.aliases[name]; ok {
			canon = a
		}
		set, ok := t.setters[canon]
		if !ok {
			known := slices.AppendSeq(slices.Collect(maps.Keys(t.setters)), maps.Keys(t.aliases))
			return nil, &learn.ParamError{Name: name, Value: v, Nearest: param.Nearest(name, known)}
		}
		if other, twice := given[canon]; twice && !reflect.DeepEqual(in[other], v) {
			return nil, &learn.ParamError{Name: name, Value: v, Reason: "given with another value as " + other}
		}
		given[canon] = name
		if reason := set(p, v); reason != "" {
			return nil, &learn.ParamError{Name: name, Value: v, Reason: reason}
		}
	}
	return given, nil
}
