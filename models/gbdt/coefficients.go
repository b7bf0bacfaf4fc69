package gbdt

import "fmt"

// Coefficients is a model of booster gblinear as the formats of other programs see it.
type Coefficients struct {
	Objective string // XGBoost's name
	Features  int
	Classes   int       // 0 for a regression
	Margins   int       // of a row: one, or one a class
	Biases    []float32 // of each margin, with the margin that every row starts from
	Weights   []float32 // margin by margin, a coefficient a feature
}

// Coefficients returns the model in that form.
func (m *Linear) Coefficients() *Coefficients {
	return &Coefficients{Objective: m.objective.name(m.classes), Features: m.features, Classes: m.classes, Margins: m.groups, Biases: m.biases, Weights: m.weights}
}

// FromCoefficients makes a model, whatever is in c, which it keeps: errors wrap ErrCorrupt.
func FromCoefficients(c *Coefficients) (*Linear, error) {
	m := &Linear{features: c.Features, classes: c.Classes, groups: c.Margins, objective: objectives[c.Objective], biases: c.Biases, weights: c.Weights}
	switch {
	case c.Features < 1 || c.Features > maxFeatures || c.Classes < 0 || c.Classes > maxClasses || c.Margins < 1 || c.Margins > maxClasses ||
		!suits(m.objective, m.classes, m.groups):
		return nil, fmt.Errorf("%w: %d margins of %d features for %d classes", ErrCorrupt, c.Margins, c.Features, c.Classes)
	case len(c.Biases) != c.Margins || len(c.Weights) != c.Margins*c.Features:
		return nil, fmt.Errorf("%w: %d biases and %d coefficients for %d margins of %d features", ErrCorrupt, len(c.Biases), len(c.Weights), c.Margins, c.Features)
	}
	for _, all := range [][]float32{c.Biases, c.Weights} {
		for _, v := range all {
			if !isFinite(v) {
				return nil, fmt.Errorf("%w: a coefficient of %v", ErrCorrupt, v)
			}
		}
	}
	return m, nil
}
