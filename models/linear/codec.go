package linear

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/pgowl/pgowl/models/learn"
)

// The bytes of a model: "PGLN", version 1 (1 byte), then an object of JSON: kind, features, classes, intercepts (one a margin), coefficients (a
// row of features for each margin, one after the other) and means (of the features in training). JSON, because the model's SQL form is made of
// it by the database (exec/catalog/sql/pgowl/repeatable/17_linear_forms.sql), and because its numbers read back to the same bits in both.
const magic = "PGLN\x01"

// ErrCorrupt is returned, wrapped with what is wrong, for bytes that are not a whole and sound model.
var ErrCorrupt = errors.New("linear: not a model")

// document is the JSON of a model.
type document struct {
	Kind         kind      `json:"kind"`
	Features     int       `json:"features"`
	Classes      int       `json:"classes"`
	Intercepts   []float64 `json:"intercepts"`
	Coefficients []float64 `json:"coefficients"`
	Means        []float64 `json:"means"`
}

// Encode returns the model's bytes, equal for equal models.
func (m *Model) Encode() ([]byte, error) {
	text, err := json.Marshal(document{m.kind, m.features, m.classes, m.bias, m.weights, m.mean})
	return append([]byte(magic), text...), err
}

// Decode reads what Encode wrote. It takes any bytes: its errors wrap ErrCorrupt, and its memory is in proportion to data.
func Decode(data []byte) (learn.Model, error) {
	text, ok := bytes.CutPrefix(data, []byte(magic))
	if !ok {
		return nil, fmt.Errorf("%w: wrong magic or version", ErrCorrupt)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var doc document
	if err := d.Decode(&doc); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrCorrupt, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("%w: it goes on after its end", ErrCorrupt)
	}
	m := &Model{kind: doc.Kind, features: doc.Features, classes: doc.Classes, weights: doc.Coefficients, bias: doc.Intercepts, mean: doc.Means}
	margins := 1
	switch m.kind {
	case regression:
		ok = m.classes == 0
	case binary:
		ok = m.classes == 2
	case multinomial, oneVsRest:
		ok, margins = m.classes >= 2 && m.classes <= maxClasses, m.classes
	default:
		ok = false
	}
	if !ok {
		return nil, fmt.Errorf("%w: kind %q of %d classes", ErrCorrupt, m.kind, m.classes)
	}
	if m.features < 1 || m.features > maxFeatures || len(m.mean) != m.features || len(m.bias) != margins || len(m.weights) != margins*m.features {
		return nil, fmt.Errorf("%w: %d coefficients, %d intercepts and %d means of %d features", ErrCorrupt, len(m.weights), len(m.bias), len(m.mean), m.features)
	}
	for _, v := range m.mean {
		if math.Abs(v) > math.MaxFloat32 {
			return nil, fmt.Errorf("%w: a mean of %v", ErrCorrupt, v)
		}
	}
	if _, err := m.check(); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrCorrupt, err)
	}
	return m, nil
}
