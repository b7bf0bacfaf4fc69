package gbdt

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/pgowl/pgowl/models/learn"
)

var (
	_ learn.Model     = (*Linear)(nil)
	_ learn.Explainer = (*Linear)(nil)
	_ learn.Ranker    = (*Linear)(nil)
)

// Linear is a model of booster gblinear: a margin is a bias and a coefficient times each feature; missing values add nothing. It is immutable.
type Linear struct {
	features  int
	classes   int // 0 for a regression
	groups    int
	objective objectiveID
	biases    []float32 // of each group, with the base margin
	weights   []float32 // group by group, a coefficient a feature
}

// The bytes of a linear model, all little-endian: "PGBL", version 1 (1 byte), objective (1 byte), features, classes and groups (uvarints), then
// as float32 the bias and the coefficients of each group.
const (
	linearMagic   = "PGBL"
	linearVersion = 1
)

// Features is the width of a row.
func (m *Linear) Features() int { return m.features }

// Classes is the number of classes, 0 for a regression.
func (m *Linear) Classes() int { return m.classes }

// Margins is the number of margins of a row: one, or one a class.
func (m *Linear) Margins() int { return m.groups }

// margin adds up in float32, in the order of the features, as XGBoost does.
func (m *Linear) margin(k int, row []float32) float32 {
	sum := m.biases[k]
	for f, w := range m.weights[k*m.features:][:m.features] {
		if v := row[f]; v == v {
			sum += v * w
		}
	}
	return sum
}

// Predict writes one value a row to dst: the regression value, or the index of the most probable class (the first of equals).
func (m *Linear) Predict(dst, x []float32) {
	for r := range dst {
		row := x[r*m.features:][:m.features]
		best, at := m.margin(0, row), 0
		if !m.objective.several() {
			dst[r] = valueOf(m.objective, m.classes, best)
			continue
		}
		for k := 1; k < m.groups; k++ {
			if v := m.margin(k, row); v > best {
				best, at = v, k
			}
		}
		dst[r] = float32(at)
	}
}

// Probabilities writes Classes values a row to dst. On a regression it writes nothing.
func (m *Linear) Probabilities(dst, x []float32) {
	if m.classes == 0 {
		return
	}
	for r := range len(dst) / m.classes {
		row, out := x[r*m.features:][:m.features], dst[r*m.classes:][:m.classes]
		for k := range m.groups {
			out[k] = m.margin(k, row)
		}
		probabilitiesOf(m.objective, out)
	}
}

// Contributions writes, for one row, Features+1 values a margin to dst, the last of them the bias.
func (m *Linear) Contributions(dst []float64, row []float32) {
	for k := range m.groups {
		out := dst[k*(m.features+1):][:m.features+1]
		for f, w := range m.weights[k*m.features:][:m.features] {
			out[f] = 0
			if v := row[f]; v == v {
				out[f] = float64(v) * float64(w)
			}
		}
		out[m.features] = float64(m.biases[k])
	}
}

// Importance has the coefficient of each feature as its weight; of several classes, the mean of their absolute values.
func (m *Linear) Importance() []learn.Importance {
	out := make([]learn.Importance, m.features)
	for f := range out {
		if m.groups == 1 {
			out[f].Weight = float64(m.weights[f])
			continue
		}
		for k := range m.groups {
			out[f].Weight += math.Abs(float64(m.weights[k*m.features+f])) / float64(m.groups)
		}
	}
	return out
}

// Encode returns the model's bytes, equal for equal models.
func (m *Linear) Encode() ([]byte, error) {
	out := append([]byte(linearMagic), linearVersion, byte(m.objective))
	for _, n := range []int{m.features, m.classes, m.groups} {
		out = binary.AppendUvarint(out, uint64(n))
	}
	for k := range m.groups {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(m.biases[k]))
		for _, w := range m.weights[k*m.features:][:m.features] {
			out = binary.LittleEndian.AppendUint32(out, math.Float32bits(w))
		}
	}
	return out, nil
}

// decodeLinear reads what Linear's Encode wrote, from the version on. Its errors wrap ErrCorrupt.
func decodeLinear(data []byte) (learn.Model, error) {
	if v := data[0]; v != linearVersion {
		return nil, fmt.Errorf("%w: format version %d of a linear model, this engine reads %d", ErrCorrupt, v, linearVersion)
	}
	m := &Linear{objective: objectiveID(data[1])}
	r := &reader{data: data[2:]}
	m.features = r.count("features", 1, maxFeatures)
	m.classes = r.count("classes", 0, maxClasses)
	m.groups = r.count("groups", 1, maxClasses)
	if r.err != nil {
		return nil, r.err
	}
	if len(r.data) != 4*m.groups*(m.features+1) {
		return nil, fmt.Errorf("%w: %d bytes for %d coefficients", ErrCorrupt, len(r.data), m.groups*(m.features+1))
	}
	if !suits(m.objective, m.classes, m.groups) {
		return nil, fmt.Errorf("%w: objective %d with %d groups for %d classes", ErrCorrupt, m.objective, m.groups, m.classes)
	}
	m.biases, m.weights = make([]float32, m.groups), make([]float32, 0, m.groups*m.features)
	for k := range m.groups {
		m.biases[k] = r.float()
		for range m.features {
			m.weights = append(m.weights, r.float())
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	return m, nil
}
