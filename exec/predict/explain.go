package predict

import (
	"cmp"
	"math"
	"slices"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/bygroup"
	"github.com/pgowl/pgowl/models/joint"
	"github.com/pgowl/pgowl/models/learn"
)

// Explanation is what the features of a row add to a margin.
type Explanation struct {
	Names         []string
	Contributions []float64 // of each feature
	Bias          float64   // with the contributions it is the margin
}

// Explain explains a prediction for one row: the margin of a model with one, else that of the predicted class, or of the class whose code is asked for.
// A wrong number of features is XX000, an algorithm that cannot be explained 0A000, a model that cannot 55000, a class that the model does not have
// 22023. Of a model of several labels the first one's is explained, and of groups the one of the row's group, as Predict gives them; the feature that chooses
// the group adds nothing.
func (m *Model) Explain(features []float32, class *float32) (Explanation, error) {
	if len(features) != m.model.Features() {
		return Explanation{}, m.shape(len(features))
	}
	of, row := m.model, features
	chooses := -1
	switch parts := of.(type) {
	case *joint.Model:
		of = parts.Output(0)
	case *bygroup.Model:
		of, row = parts.Of(features)
		chooses = parts.Feature()
	}
	explainer, ok := of.(learn.Explainer)
	if !ok {
		return Explanation{}, m.lacking("explain")
	}
	margins := explainer.Margins()
	if margins == 0 {
		return Explanation{}, m.unexplained("explained")
	}
	at, sign := 0, 1.0
	switch {
	case class != nil:
		i := slices.Index(m.codes, *class)
		if i < 0 {
			return Explanation{}, m.noClass(*class)
		}
		if at = i; margins == 1 { // the log-odds of the second of two classes
			at, sign = 0, float64(2*i-1)
		}
	case margins > 1 && len(m.codes) > 0:
		var predicted [1]float32
		of.Predict(predicted[:], row)
		if predicted[0] == predicted[0] { // else a feature is missing that all margins need
			at = int(predicted[0])
		}
	}
	all := make([]float64, margins*(len(row)+1))
	explainer.Contributions(all, row)
	own := all[at*(len(row)+1):][:len(row)+1]
	if sign < 0 {
		for i := range own {
			own[i] = -own[i]
		}
	}
	if chooses >= 0 {
		own = slices.Insert(slices.Clip(own), chooses, 0)
	}
	return Explanation{m.names(), own[:len(features)], own[len(features)]}, nil
}

// FeatureImportance is a feature with its importance.
type FeatureImportance struct {
	Name string
	learn.Importance
}

// Importance lists all features, the largest gain first, then the largest weight. Errors are those of Explain. Of a model of several labels it is the first one's, of
// groups that of the model of all rows, in which the feature that chooses the group has none.
func (m *Model) Importance() ([]FeatureImportance, error) {
	of, chooses := m.model, -1
	switch parts := of.(type) {
	case *joint.Model:
		of = parts.Output(0)
	case *bygroup.Model:
		of, chooses = parts.Rest(), parts.Feature()
	}
	ranker, ok := of.(learn.Ranker)
	if !ok {
		return nil, m.lacking("importance")
	}
	importance := ranker.Importance()
	if importance == nil {
		return nil, m.unexplained("ranked by its features")
	}
	if chooses >= 0 {
		importance = slices.Insert(slices.Clone(importance), chooses, learn.Importance{})
	}
	names := m.names()
	all := make([]FeatureImportance, len(importance))
	for i := range all {
		all[i] = FeatureImportance{names[i], importance[i]}
	}
	slices.SortStableFunc(all, func(a, b FeatureImportance) int {
		return cmp.Or(cmp.Compare(b.Gain, a.Gain), cmp.Compare(math.Abs(b.Weight), math.Abs(a.Weight)))
	})
	return all, nil
}

// names has a name for each feature of the model.
func (m *Model) names() []string {
	names := m.Header.FeatureNames()
	for len(names) < m.model.Features() { // as many as the model has, whatever the header says
		names = append(names, "")
	}
	return names
}

func (m *Model) lacking(name string) error {
	return function.Errorf("0A000", "pgml.%s is not available for algorithm %s in PgOwl", name, m.Header.Algorithm)
}

func (m *Model) unexplained(what string) error {
	e := function.Errorf("55000", "model %d cannot be %s", m.ID, what)
	e.Detail = "Its file has no statistics of its trees, as those of earlier versions, or the trees are too deep, or linear in their leaves."
	e.Hint = "Train it again."
	return e
}

func (m *Model) noClass(class float32) error {
	if len(m.codes) == 0 {
		return function.Errorf("22023", "model %d is a regression and has no classes", m.ID)
	}
	e := function.Errorf("22023", "model %d has no class %v", m.ID, class)
	e.Hint = "Classes are named by what pgml.predict gives for them."
	return e
}
