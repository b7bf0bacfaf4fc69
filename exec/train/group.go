package train

import (
	"math"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/preprocess"
)

// group is the column that divides a model: each of its values has a model of its own (models/bygroup).
type group struct {
	column  string
	feature int     // its place in a row
	none    float32 // its value in rows that are of no group
}

// groupBy checks the column to group by, before anything is read.
//
// Texts are told apart by their codes; one that the training part does not have is code 0, as NULL is: of no group.
func (r *run) groupBy(snap *snapshot) error {
	name := r.req.GroupBy
	if name == "" {
		return nil
	}
	if snap.labels.named(name) != nil {
		return function.Errorf("22023", "pgml.train: \"%s\" is the label, and cannot be grouped by", clip(name, 100))
	}
	if len(snap.labels.others) > 0 {
		return function.Errorf("0A000", "pgml.train: a model of several labels cannot be divided into groups in PgOwl yet")
	}
	if len(snap.features) < 2 {
		return function.Errorf("22023", "pgml.train: there are no feature columns beside the one to group by")
	}
	for i := range snap.features {
		f := &snap.features[i]
		if f.Name != name {
			continue
		}
		o := f.options
		switch {
		case f.Array || f.wire.kind == 'f' && f.Type != "numeric":
			return function.Errorf("42804", "pgml.train: \"%s\" is of type %s, and cannot be grouped by", f.Name, f.Type).
				WithHint("Group by a column of whole numbers, booleans or texts.")
		case o.Encode != preprocess.Native || o.Impute != preprocess.Error || o.Scale != preprocess.Preserve:
			return function.Errorf("22023", "pgml.train: \"%s\" is grouped by, and cannot be preprocessed", f.Name)
		}
		f.grouped = true
		if f.text() {
			f.options.Impute = preprocess.Zero
		}
		return nil
	}
	return function.Errorf("42703", "pgml.train: there is no column \"%s\" to group by", clip(name, 100))
}

// groups finds the column to group by among the features that were read.
func (r *run) groups(data *dataset) error {
	if r.req.GroupBy == "" {
		return nil
	}
	for i := range data.features {
		f := &data.features[i]
		if f.Name != r.req.GroupBy {
			continue
		}
		data.group = &group{column: f.Name, feature: f.offset, none: nan}
		if f.text() {
			data.group.none = 0
			f.options = preprocess.Default // what the snapshot records is what was asked for
			return nil
		}
		for _, part := range []*sample{{Dataset: data.train}, {Dataset: data.test}} {
			for row := range part.Rows {
				// Beyond that, different whole numbers become one float4.
				if v := float64(part.Row(row)[f.offset]); math.Abs(v) >= 1<<24 || v != math.Trunc(v) {
					return function.Errorf("22003", "pgml.train: \"%s\" has values that are no whole numbers or have more than 24 bits", f.Name).
						WithHint("Cast the column to text, in a view.")
				}
			}
		}
		return nil
	}
	return nil
}
