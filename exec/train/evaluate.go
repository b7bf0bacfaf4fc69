package train

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/learn"
	"github.com/pgowl/pgowl/models/preprocess"
	"github.com/pgowl/pgowl/models/store"
)

// Evaluation holds the arguments of pgml.evaluate.
type Evaluation struct {
	Project  string
	Relation string
	Label    *string // nil for the label column of the training
}

// DecodeEvaluation reads the arguments of pgml.evaluate from an object. It fails with SQLSTATE 22023 (22004 for NULL where a name is needed).
func DecodeEvaluation(jsonArgs []byte) (Evaluation, error) {
	var a struct {
		Project  *string `json:"project_name"`
		Relation *string `json:"relation_name"`
		Label    *string `json:"y_column_name"`
	}
	if err := json.Unmarshal(jsonArgs, &a); err != nil {
		return Evaluation{}, function.Errorf("22023", "pgml.evaluate: the arguments cannot be read: %v", err)
	}
	if a.Project == nil || a.Relation == nil {
		return Evaluation{}, function.Errorf("22004", "pgml.evaluate: project_name and relation_name must not be NULL")
	}
	return Evaluation{*a.Project, *a.Relation, a.Label}, nil
}

// Loader gives a model by its number.
type Loader func(ctx context.Context, model int64) (store.Header, learn.Model, error)

const liveModel = `SELECT pgowl.find_model($1->>'project') AS id`

// Evaluate scores a project's live model on the rows of a relation, which it reads with the caller's rights: the columns that the model was
// trained on, by their names, prepared as they were then, and the label. It gives the metrics as pgml.models has them, as JSON, and the number
// of rows. Errors are *function.Error, or those of the session as they are.
func Evaluate(ctx context.Context, s function.Session, e Evaluation, load Loader) (metrics json.RawMessage, rows int, err error) {
	r := &run{s: s}
	live, err := one[idRow](ctx, s, liveModel, map[string]any{"project": e.Project})
	if err != nil {
		return nil, 0, err
	}
	header, model, err := load(ctx, live.ID)
	if err != nil {
		return nil, 0, err
	}
	fresh, err := r.fresh(ctx, e, &header)
	if err != nil {
		return nil, 0, err
	}
	if err := ctx.Err(); err != nil {
		return nil, 0, context.Cause(ctx)
	}
	object := map[string]number{}
	for _, m := range score(model, fresh) {
		object[m.name] = number(m.value)
	}
	metrics, err = json.Marshal(object)
	return metrics, fresh.Rows, err
}

// fresh reads the rows of a relation as a model takes them, with their labels.
func (r *run) fresh(ctx context.Context, e Evaluation, h *store.Header) (*sample, error) {
	rel, err := parseRelation(e.Relation)
	if err != nil {
		return nil, err
	}
	found, err := r.columns(ctx, rel)
	if err != nil {
		return nil, err
	}
	snap, err := e.columns(found, rel, h)
	if err != nil {
		return nil, err
	}
	d := &decoder{features: snap.features, labels: snap.labels}
	if err := r.s.Stream(ctx, function.Caller, statement(rel, snap.features, snap.labels.list()), d.Write); err != nil {
		return nil, err
	}
	for _, check := range []func() error{d.Close, d.labels.checkAll} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	if d.x.rows == 0 {
		return nil, function.Errorf("22023", "pgml.evaluate: relation %s has no rows", rel.SQL())
	}
	fresh := &sample{}
	fresh.Rows, fresh.Features, fresh.Classes = d.x.rows, h.Width(), len(h.Label.Classes)
	if fresh.Y, err = d.labels.as(&h.Label); err != nil {
		return nil, err
	}
	for _, l := range d.labels.others {
		fresh.others = append(fresh.others, l.finish())
	}
	fresh.X, err = d.prepared(h)
	return fresh, err
}

// columns finds the model's columns in the relation, in the model's order.
func (e *Evaluation) columns(found []column, rel relation, h *store.Header) (*snapshot, error) {
	labels := append([]string{h.Label.Column}, h.Targets...)
	if e.Label != nil {
		if len(h.Targets) > 0 {
			return nil, function.Errorf("22023", "pgml.evaluate: the model has the labels %s; y_column_name must be left out", strings.Join(labels, ", "))
		}
		labels[0] = *e.Label
	}
	var names []string
	for _, f := range h.Features {
		names = append(names, f.Name)
	}
	var columns []column
	for i, name := range append(names, labels...) {
		at := slices.IndexFunc(found, func(c column) bool { return c.Name == name })
		switch {
		case at >= 0:
			columns = append(columns, found[at])
		case i >= len(names):
			return nil, noLabel(name)
		default:
			return nil, function.Errorf("42703", `Column "%s", which the model was trained on, is not in relation %s`, name, rel.SQL())
		}
	}
	if slices.Contains(names, labels[0]) {
		return nil, function.Errorf("22023", "pgml.evaluate: \"%s\" is a feature of the model, and cannot be its label", labels[0])
	}
	snap := &snapshot{}
	if err := snap.use(columns, labels[0], h.Task, nil, nil, labels[1:]...); err != nil {
		return nil, err
	}
	for i := range snap.features {
		f, learned := &snap.features[i], &h.Features[i]
		if p := learned.Preprocess; f.text() != (p != nil && p.Text()) || f.Array != strings.HasPrefix(learned.Type, "_") {
			return nil, function.Errorf("42804", `Column "%s" is of type %s, and was of type %s when the model was trained`, f.Name, f.Type, learned.Type)
		}
	}
	return snap, nil
}

// as gives the labels as class indexes of a model, or the targets of a regression.
func (l *labels) as(learned *store.Label) ([]float32, error) {
	y := l.finish()
	if !l.classify {
		return y, nil
	}
	place := make([]float32, len(l.classes))
	for i, text := range l.classes {
		class := slices.Index(learned.Classes, text)
		if class < 0 {
			e := function.Errorf("22023", `The label "%s" has the value %s, which is none of the classes of the model.`, l.Name, clip(text, 100))
			e.Detail = "Its classes are " + clip(strings.Join(learned.Classes, ", "), 500) + "."
			return nil, e
		}
		place[i] = float32(class)
	}
	for i, class := range y {
		y[i] = place[int(class)]
	}
	return y, nil
}

// prepared gives the rows that were read, row-major, with what the training did to each column.
func (d *decoder) prepared(h *store.Header) ([]float32, error) {
	columns := make([]learnedColumn, len(d.features))
	width := 0
	for i := range d.features {
		c, err := newLearnedColumn(&d.features[i], &h.Features[i])
		if err != nil {
			return nil, err
		}
		columns[i] = c
		width += c.learned.Width
	}
	if width*d.x.rows > maxValues {
		return nil, tooMany()
	}
	x := make([]float32, width*d.x.rows)
	rest := x
	for i := range d.x.rows {
		row := d.x.row(i)
		for k := range columns {
			c := &columns[k]
			if err := c.put(rest[:c.learned.Width], row[c.read.offset:]); err != nil {
				return nil, err
			}
			rest = rest[c.learned.Width:]
		}
	}
	return x, nil
}

// learnedColumn is a column as it was read, and what a model has learned about it.
type learnedColumn struct {
	read    *feature
	learned *store.Feature
	values  []float32 // of a text: by code, the encoded value, NaN for one that the training did not have
}

func newLearnedColumn(read *feature, learned *store.Feature) (learnedColumn, error) {
	c := learnedColumn{read: read, learned: learned}
	if read.infinite > 0 {
		return c, function.Errorf("XX000", "%d values for %s are infinite, or too large for float4.", read.infinite, read.Name)
	}
	if read.text() {
		index := learned.Preprocess.Index()
		for _, text := range read.texts.texts {
			v, ok := index[text]
			if !ok {
				if v = nan; learned.Preprocess.Encode == preprocess.Ordinal {
					return c, function.Errorf("XX000", "%v", learned.Preprocess.Unlisted(text))
				}
			}
			c.values = append(c.values, v)
		}
	} else if read.width != learned.Width {
		return c, function.Errorf("XX000", "Mismatched array length for feature `%s`. Expected: %d Received: %d", read.Name, learned.Width, read.width)
	}
	return c, nil
}

// put writes the features of a value, whose numbers or code row starts with.
func (c *learnedColumn) put(dst, row []float32) error {
	p := c.learned.Preprocess
	there := true
	switch {
	case c.values != nil:
		there = p.Put(dst, c.values[int(row[0])])
	case p == nil:
		copy(dst, row)
		there = c.read.missing == 0
	default:
		for j := range dst {
			there = p.Put(dst[j:j+1], row[j]) && there
		}
	}
	if !there {
		n := max(1, c.read.missing)
		return function.Errorf("XX000", "%d missing values for %s. You may provide a preprocessor to impute a value.", n, c.read.Name)
	}
	return nil
}
