package predict

import (
	"strconv"
	"sync"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/joint"
	"github.com/pgowl/pgowl/models/learn"
	"github.com/pgowl/pgowl/models/store"
)

// Model is a model that predicts. It is immutable and safe for use by several goroutines.
type Model struct {
	ID     int64
	Header store.Header
	model  learn.Model
	codes  []float32            // what a prediction of each class is; nil for a regression
	index  []map[string]float32 // by column, the encoded values of a text; nil if no column is preprocessed
	rows   sync.Pool            // of *[1]float32: an array on the stack would escape through the interface
}

// New makes a model of its parts.
func New(id int64, header store.Header, model learn.Model) *Model {
	m := &Model{ID: id, Header: header, model: model}
	m.rows.New = func() any { return new([1]float32) }
	if n := model.Classes(); n > 0 {
		m.codes = make([]float32, n) // as many as the model has, whatever the header says
		for i := range m.codes {
			m.codes[i] = header.Code(i)
		}
	}
	if !header.Plain() {
		m.index = make([]map[string]float32, len(header.Features))
		for i, f := range header.Features {
			if f.Preprocess != nil && f.Preprocess.Text() {
				m.index[i] = f.Preprocess.Index()
			}
		}
	}
	return m
}

// Engine is the model as its engine made it.
func (m *Model) Engine() learn.Model { return m.model }

// Label gives the label of the class that is predicted for one row, as text; nil where none is, since a feature that the model needs is missing. Of a
// regression it is 42809 (wrong_object_type).
func (m *Model) Label(features []float32) (*string, error) {
	if len(m.codes) == 0 {
		return nil, function.Errorf("42809", "pgml.predict_label is for classification, and model %d is for %s", m.ID, m.Header.Task).
			WithHint("Call pgml.predict, which gives the value.")
	}
	if len(features) != m.model.Features() {
		return nil, m.shape(len(features))
	}
	var class [1]float32
	m.model.Predict(class[:], features)
	if class[0] != class[0] {
		return nil, nil
	}
	return &m.Header.Label.Classes[int(class[0])], nil
}

// Features is the number of values in a row.
func (m *Model) Features() int { return m.model.Features() }

// Classes is the number of classes, 0 for a regression.
func (m *Model) Classes() int { return len(m.codes) }

// Predict gives the value of one row: a regression's, or the code of the class (the label itself where it is a number, 0 and
// 1 for false and true, the class's place in byte order for a text). A wrong number of features is XX000. It allocates nothing.
func (m *Model) Predict(features []float32) (float32, error) {
	if len(features) != m.model.Features() {
		return 0, m.shape(len(features))
	}
	row := m.rows.Get().(*[1]float32)
	m.model.Predict(row[:], features)
	v := m.code(row[0])
	m.rows.Put(row)
	return v, nil
}

// PredictBatch gives the value of each row of features, which holds whole rows one after the other.
func (m *Model) PredictBatch(features []float32) ([]float32, error) {
	n, err := m.count(features)
	if err != nil {
		return nil, err
	}
	dst := make([]float32, n)
	m.model.Predict(dst, features)
	for i, v := range dst {
		dst[i] = m.code(v)
	}
	return dst, nil
}

// Proba gives the probabilities of the classes in their order: of one row, or of several, flattened, as pgml.predict_proba
// does. Of a regression it is XX000.
func (m *Model) Proba(features []float32) ([]float32, error) {
	n, err := m.probaRows(features)
	if err != nil {
		return nil, err
	}
	dst := make([]float32, n*len(m.codes))
	m.model.Probabilities(dst, features)
	return dst, nil
}

// probaRows gives the number of rows, of a classification.
func (m *Model) probaRows(features []float32) (int, error) {
	if len(m.codes) == 0 {
		return 0, function.Errorf("XX000", "You can't predict probabilities for a regression model")
	}
	return m.count(features)
}

// Joint gives a value for each label of one row, or of several, flattened, as pgml.predict_joint does. Of a classification it
// is XX000.
func (m *Model) Joint(features []float32) ([]float32, error) {
	if len(m.codes) > 0 {
		return nil, function.Errorf("XX000", "You can't predict joint probabilities for a classification model")
	}
	several, ok := m.model.(*joint.Model)
	if !ok {
		return m.PredictBatch(features)
	}
	n, err := m.count(features)
	if err != nil {
		return nil, err
	}
	dst := make([]float32, n*several.Outputs())
	several.PredictJoint(dst, features)
	return dst, nil
}

// code turns an engine's value into the client's.
func (m *Model) code(v float32) float32 {
	if len(m.codes) == 0 || v != v { // NaN is no class: a feature that the model needs is missing
		return v
	}
	return m.codes[int(v)]
}

// count gives the number of rows.
func (m *Model) count(features []float32) (int, error) {
	width := m.model.Features()
	if width == 0 || len(features) == 0 || len(features)%width != 0 {
		return 0, m.shape(len(features))
	}
	return len(features) / width, nil
}

// shape is PostgresML's error for a number of features that does not fit.
func (m *Model) shape(n int) error {
	e := function.Errorf("XX000", "cannot reshape array of size %d into shape (%d)", n, m.model.Features())
	e.Detail = "Model " + strconv.FormatInt(m.ID, 10) + " takes " + strconv.Itoa(m.model.Features()) + " features in a row, but received " + strconv.Itoa(n) + "."
	return e
}

// Undeployed is the error for a project that is unknown or has no deployed model.
func Undeployed(project string) error {
	return function.Errorf("XX000", "No deployed model exists for the project named: `%s`", project)
}

// Unknown is the error for a model id that there is no model for.
func Unknown(id int64) error {
	return function.Errorf("XX000", "pgml.models WHERE id = %d could not be loaded. Does it exist?", id)
}
