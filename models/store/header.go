// Package store is the file form of a model: a header that says what the model was trained on and for, and the engine's own
// bytes, each under a checksum. It does not know where files are kept.
package store

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/pgowl/pgowl/models/bygroup"
	"github.com/pgowl/pgowl/models/joint"
	"github.com/pgowl/pgowl/models/learn"
	"github.com/pgowl/pgowl/models/preprocess"
)

// Feature is a source column of the training relation.
type Feature struct {
	Name  string `json:"name"`
	Type  string `json:"type"`  // Postgres type name (udt name), as float4 or _float4
	Width int    `json:"width"` // number of features that it gives: the length of an array, those of an encoded text, else 1
	// Preprocess is what is done to the column's values before they are features; nil where nothing is.
	Preprocess *preprocess.Column `json:"preprocess,omitempty"`
}

// LabelKind says what the labels were in SQL.
type LabelKind string

// The kinds of labels.
const (
	Bool  LabelKind = "bool"
	Int   LabelKind = "int"
	Float LabelKind = "float"
	Text  LabelKind = "text"
)

// Label is the label column.
type Label struct {
	Column  string    `json:"column"`
	Kind    LabelKind `json:"kind"`
	Classes []string  `json:"classes,omitempty"` // the text of the label for each class index; none for a regression
}

// Header is what a model file says of its model.
type Header struct {
	Algorithm   string         `json:"algorithm"` // PostgresML's name, which chooses the engine
	Task        learn.Task     `json:"task"`
	Features    []Feature      `json:"features"`
	Label       Label          `json:"label"`
	Targets     []string       `json:"targets,omitempty"` // of a joint model: the label columns after the first, each of which it has a value for
	Group       string         `json:"group,omitempty"`   // of a model of groups: the column that chooses the group
	Hyperparams map[string]any `json:"hyperparams"`
	Engine      string         `json:"engine"` // version of the program that trained it
	Seed        uint64         `json:"seed"`
}

// Width is the number of features of a row.
func (h *Header) Width() int {
	n := 0
	for _, f := range h.Features {
		n += f.Width
	}
	return n
}

// FeatureNames has a name a feature of a row: the column's, with the place from 1 on for the elements of an array, as in a[3], or the category of a
// text that is encoded as one_hot, as in a=x.
func (h *Header) FeatureNames() []string {
	names := make([]string, 0, h.Width())
	for _, f := range h.Features {
		if f.Width == 1 && !strings.HasPrefix(f.Type, "_") && (f.Preprocess == nil || f.Preprocess.Encode != preprocess.OneHot) {
			names = append(names, f.Name)
			continue
		}
		for i := range f.Width {
			if p := f.Preprocess; p != nil && p.Encode == preprocess.OneHot {
				names = append(names, f.Name+"="+p.Categories[i])
				continue
			}
			names = append(names, f.Name+"["+strconv.Itoa(i+1)+"]")
		}
	}
	return names
}

// Plain reports whether no column is preprocessed: a row is its features, as they are.
func (h *Header) Plain() bool {
	for _, f := range h.Features {
		if f.Preprocess != nil {
			return false
		}
	}
	return true
}

// Code is the number that stands for a class in a numeric result: the label itself for integers and floats, 0 or 1 for
// booleans, the index for text. An index without a class is NaN.
func (h *Header) Code(class int) float32 {
	if class < 0 || class >= len(h.Label.Classes) {
		return float32(math.NaN())
	}
	text := h.Label.Classes[class]
	switch h.Label.Kind {
	case Bool:
		if truth, err := strconv.ParseBool(text); err == nil {
			if truth {
				return 1
			}
			return 0
		}
	case Int, Float:
		if x, err := strconv.ParseFloat(text, 32); err == nil {
			return float32(x)
		}
	}
	return float32(class)
}

// Codes is Code for every class, for callers that look it up for many rows.
func (h *Header) Codes() []float32 {
	codes := make([]float32, len(h.Label.Classes))
	for i := range codes {
		codes[i] = h.Code(i)
	}
	return codes
}

// validate checks the header in itself.
func (h *Header) validate() error {
	if h.Algorithm == "" {
		return errors.New("no algorithm")
	}
	switch h.Label.Kind {
	case Bool, Int, Float, Text:
	default:
		return fmt.Errorf("label kind %q", h.Label.Kind)
	}
	switch h.Task {
	case learn.Regression:
		if len(h.Label.Classes) > 0 {
			return errors.New("a regression has no classes")
		}
	case learn.Classification:
		if len(h.Label.Classes) == 0 {
			return errors.New("a classification without classes")
		}
		if len(h.Targets) > 0 {
			return errors.New("a classification of several labels")
		}
	default:
		return fmt.Errorf("task %q", h.Task)
	}
	for _, f := range h.Features {
		if f.Width < 1 || f.Width > maxWidth {
			return fmt.Errorf("column %q of width %d", f.Name, f.Width)
		}
		if p := f.Preprocess; p != nil {
			if err := p.Validate(); err != nil {
				return fmt.Errorf("column %q: %w", f.Name, err)
			}
			if p.Text() && p.Width() != f.Width {
				return fmt.Errorf("column %q of width %d, encoded %d", f.Name, f.Width, p.Width())
			}
		}
	}
	if len(h.Features) == 0 || len(h.Features) > maxColumns || h.Width() > maxWidth {
		return fmt.Errorf("%d columns with %d features", len(h.Features), h.Width())
	}
	return nil
}

// fits checks that the header speaks of this model.
func (h *Header) fits(m learn.Model) error {
	if h.Width() != m.Features() {
		return fmt.Errorf("the columns give %d features, the model takes %d", h.Width(), m.Features())
	}
	if _, ok := m.(*bygroup.Model); ok != (h.Group != "") {
		return errors.New("a column to group by, and a model without groups, or the other way round")
	}
	outputs := 1
	if j, ok := m.(*joint.Model); ok {
		outputs = j.Outputs()
	}
	if 1+len(h.Targets) != outputs {
		return fmt.Errorf("%d labels, the model has %d", 1+len(h.Targets), outputs)
	}
	if len(h.Label.Classes) != m.Classes() {
		return fmt.Errorf("%d class labels, the model has %d classes", len(h.Label.Classes), m.Classes())
	}
	return nil
}
