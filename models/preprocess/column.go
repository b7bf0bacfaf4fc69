package preprocess

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// Null is the category of NULL.
const Null = "__NULL__"

// Column does to one value of a column what was done in training. Its zero value leaves numbers as they are. It is part of a
// model's file.
type Column struct {
	Categories []string  `json:"categories,omitempty"` // of a text column
	Values     []float32 `json:"values,omitempty"`     // what each is encoded as; of one_hot its place, from 0 on
	Encode     Encode    `json:"encode,omitempty"`     // of a text column
	Fill       *float32  `json:"fill,omitempty"`       // what a missing value becomes once encoded; nil: it is an error
	Shift      float32   `json:"shift,omitempty"`
	Span       float32   `json:"span,omitempty"` // values are scaled to (v - Shift) / Span; 0: they are not
}

// Text reports whether the column is a text.
func (c *Column) Text() bool { return c.Encode != "" }

// Plain reports whether values are taken as they are, so that an array of them needs no preprocessing, either.
func (c *Column) Plain() bool { return !c.Text() && c.Fill == nil && c.Span == 0 }

// Nominal reports whether the features are codes of categories whose order means nothing.
func (c *Column) Nominal() bool { return c.Encode == Native && c.Span == 0 }

// Width is the number of features of a value. The last category of one_hot has no feature of its own, unless it is the only one.
func (c *Column) Width() int {
	if c.Encode == OneHot {
		return max(1, len(c.Categories)-1)
	}
	return 1
}

// Index gives the encoded value of each category.
func (c *Column) Index() map[string]float32 {
	index := make(map[string]float32, len(c.Categories))
	for i, k := range c.Categories {
		index[k] = c.Values[i]
	}
	return index
}

// Put imputes and scales a value that is encoded already, NaN for a missing one, and writes its Width features to dst. It
// reports false, and writes NaN, where the value is missing and nothing is imputed.
func (c *Column) Put(dst []float32, v float32) bool {
	there := true
	if v != v {
		if c.Fill != nil {
			v = *c.Fill
		} else {
			there = false
		}
	}
	if c.Encode == OneHot {
		for i := range dst {
			switch {
			case !there:
				dst[i] = v
			case int(v) == i:
				dst[i] = 1
			default:
				dst[i] = 0
			}
		}
		return there
	}
	if c.Span != 0 {
		v = float32((float64(v) - float64(c.Shift)) / float64(c.Span))
	}
	dst[0] = v
	return there
}

// Validate checks a column that was read from a file.
func (c *Column) Validate() error {
	switch c.Encode {
	case "":
		if len(c.Categories) > 0 {
			return errors.New("categories without an encoding")
		}
	case Native, Target, OneHot, Ordinal:
		if len(c.Categories) == 0 {
			return errors.New("no categories")
		}
	default:
		return fmt.Errorf("encoding %q", c.Encode)
	}
	if len(c.Categories) != len(c.Values) {
		return fmt.Errorf("%d categories with %d values", len(c.Categories), len(c.Values))
	}
	return nil
}

// Missing is the error for n values that are missing in a column where nothing is imputed.
func (c *Column) Missing(n int, name string) error {
	return fmt.Errorf("%d missing values for %s. You may provide a preprocessor to impute a value.", n, name)
}

// UnlistedError is a text that an ordinal does not list.
type UnlistedError struct {
	Value string
	List  []string
}

// Unlisted is the error for a text that the column's ordinal does not list.
func (c *Column) Unlisted(text string) error {
	e := &UnlistedError{Value: strings.Clone(text)}
	for _, k := range c.Categories {
		if k != Null {
			e.List = append(e.List, k)
		}
	}
	return e
}

// Error implements error.
func (e *UnlistedError) Error() string {
	quoted := make([]string, len(e.List))
	for i, v := range e.List {
		quoted[i] = `"` + v + `"`
	}
	return fmt.Sprintf("value is not present in ordinal: \"%s\". Valid values: [%s]", e.Value, strings.Join(quoted, ", "))
}

// Summary tells of the encoded values of a column's training part what imputing and scaling need. Missing values do not count;
// where there is no other, all are NaN.
type Summary struct {
	Min, Max, MaxAbs, Mean, Median, Mode, StdDev float64
	Quartiles                                    [2]float64 // the first and the third
}

// Fit makes the column of numbers, or adds to one that FitText has made.
func (c *Column) Fit(o Options, s Summary) error {
	fill := map[Impute]float64{Mean: s.Mean, Median: s.Median, Mode: s.Mode, Min: s.Min, Max: s.Max, Zero: 0}
	if v, ok := fill[o.Impute]; ok {
		if math.IsNaN(v) {
			return fmt.Errorf("there is no value in the training data to impute the %s from", o.Impute)
		}
		if c.Encode == Native || c.Encode == OneHot || c.Encode == Ordinal {
			v = math.Floor(v) // the median of an even number of codes lies between two
		}
		f := float32(v)
		c.Fill = &f
		if c.Encode == OneHot && o.Impute == Zero {
			none := float32(-1)
			c.Fill = &none
		}
	}
	var shift, span float64
	switch o.Scale {
	case Standard:
		shift, span = s.Mean, s.StdDev
	case MinMax:
		shift, span = s.Min, s.Max-s.Min
	case MaxAbs:
		span = s.MaxAbs
	case Robust:
		shift, span = s.Median, s.Quartiles[1]-s.Quartiles[0]
	default:
		return nil
	}
	if c.Encode == OneHot {
		return nil
	}
	c.Shift, c.Span = float32(shift), float32(span)
	// Values that are all the same have nothing to be scaled by, nor has a column without any.
	if !(c.Span > 0) || math.IsInf(float64(c.Span), 0) {
		c.Span = 1
	}
	if c.Shift != c.Shift {
		c.Shift = 0
	}
	return nil
}

// FitText makes the column of texts from the categories of the training part in order of appearance, NULL as Null, and the mean
// label of each (for Target alone). Texts that an ordinal does not list are an *UnlistedError.
func FitText(o Options, categories []string, means []float64) (Column, error) {
	c := Column{Encode: o.Encode}
	add := func(category string, value float64) {
		c.Categories = append(c.Categories, category)
		c.Values = append(c.Values, float32(value))
	}
	switch o.Encode {
	case Ordinal:
		listed := map[string]bool{Null: true}
		for i, v := range o.List {
			listed[v] = true
			if v != Null {
				add(v, float64(i+1))
			}
		}
		for _, k := range categories {
			if !listed[k] {
				return c, &UnlistedError{k, o.List}
			}
		}
		add(Null, 0)
	case Target:
		for i, k := range categories {
			add(k, means[i])
		}
	case OneHot:
		for i, k := range categories {
			add(k, float64(i))
		}
	default:
		add(Null, 0)
		for _, k := range categories {
			if k != Null {
				add(k, float64(len(c.Categories)))
			}
		}
	}
	if len(c.Categories) == 0 {
		add(Null, 0)
	}
	return c, nil
}
