package gbdt

import (
	"reflect"

	"github.com/pgowl/pgowl/models/learn"
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
	for _, name := range sortedKeys(in) {
		v := in[name]
		canon := name
		if a, ok := t.aliases[name]; ok {
			canon = a
		}
		set, ok := t.setters[canon]
		if !ok {
			return nil, &learn.ParamError{Name: name, Value: v, Nearest: t.nearest(name)}
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

// nearest is the known parameter that a name was probably meant to be, or "".
func (t *table) nearest(name string) string {
	best, least := "", len(name)/2+1
	consider := func(known string) {
		d := editDistance(name, known)
		if d < least || d == least && best != "" && known < best {
			best, least = known, d
		}
	}
	for known := range t.setters {
		consider(known)
	}
	for known := range t.aliases {
		consider(known)
	}
	return best
}
