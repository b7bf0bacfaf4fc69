package preprocess

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Encode says how a text becomes a number.
type Encode string

// The encodings.
const (
	Native  Encode = "native"  // codes from 1 in order of appearance
	Target  Encode = "target"  // the mean label of the category's rows
	OneHot  Encode = "one_hot" // a feature of 0 or 1 a category, but for the last
	Ordinal Encode = "ordinal" // the place in a list, from 1
)

// Impute says what a missing value becomes.
type Impute string

// The imputations.
const (
	Error  Impute = "error" // a missing value is an error
	Mean   Impute = "mean"
	Median Impute = "median"
	Mode   Impute = "mode"
	Min    Impute = "min"
	Max    Impute = "max"
	Zero   Impute = "zero"
)

// Scale says how numbers are scaled.
type Scale string

// The scales.
const (
	Preserve Scale = "preserve" // not at all
	Standard Scale = "standard" // mean 0, deviation 1
	MinMax   Scale = "min_max"  // from 0 to 1
	MaxAbs   Scale = "max_abs"  // at most 1 away from 0
	Robust   Scale = "robust"   // median 0, quartiles 1 apart
)

var (
	encodes = []string{"native", "target", "one_hot", "ordinal"}
	imputes = []string{"error", "mean", "median", "mode", "min", "max", "zero"}
	scales  = []string{"preserve", "standard", "min_max", "max_abs", "robust"}
)

// Options are what is asked for of one column. As JSON they are {"encode": E, "impute": I, "scale": S}, each of which may be
// left out, with {"ordinal": ["a", "b"]} for an E with a list.
type Options struct {
	Encode Encode
	List   []string // of Ordinal
	Impute Impute
	Scale  Scale
}

// Default is what a column gets that nothing is asked for: native codes, an error for a missing value, no scale.
var Default = Options{Encode: Native, Impute: Error, Scale: Preserve}

// MarshalJSON implements json.Marshaler.
func (o Options) MarshalJSON() ([]byte, error) {
	var encode any = o.Encode
	if o.Encode == Ordinal {
		encode = map[string]any{"ordinal": o.List}
	}
	return json.Marshal(struct {
		Encode any    `json:"encode"`
		Impute Impute `json:"impute"`
		Scale  Scale  `json:"scale"`
	}{encode, o.Impute, o.Scale})
}

// UnmarshalJSON implements json.Unmarshaler. What is left out or null is the default; everything else that is not an option is
// an error that says what there is.
func (o *Options) UnmarshalJSON(text []byte) error {
	*o = Default
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return fmt.Errorf(`expected an object with "encode", "impute" or "scale"`)
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		value := fields[name]
		if bytes.Equal(value, []byte("null")) {
			continue
		}
		var err error
		switch name {
		case "encode":
			err = o.encode(value)
		case "impute":
			err = choose(&o.Impute, name, value, imputes)
		case "scale":
			err = choose(&o.Scale, name, value, scales)
		default:
			err = fmt.Errorf(`there is no option %q; there are "encode", "impute" and "scale"`, name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (o *Options) encode(value json.RawMessage) error {
	if value[0] != '{' {
		if err := choose(&o.Encode, "encode", value, encodes); err != nil {
			return err
		}
		if o.Encode == Ordinal {
			return fmt.Errorf(`"encode" must list the values: {"ordinal": ["low", "high"]}`)
		}
		return nil
	}
	var list map[string][]string
	if err := json.Unmarshal(value, &list); err != nil || len(list) != 1 || len(list["ordinal"]) == 0 {
		return fmt.Errorf(`"encode" must be a name or {"ordinal": ["low", "high"]}, not %s`, value)
	}
	o.Encode, o.List = Ordinal, list["ordinal"]
	seen := map[string]bool{}
	for _, v := range o.List {
		if seen[v] {
			return fmt.Errorf("the ordinal lists %q twice", v)
		}
		seen[v] = true
	}
	return nil
}

func choose[T ~string](to *T, name string, value json.RawMessage, from []string) error {
	var text string
	if err := json.Unmarshal(value, &text); err != nil || !slices.Contains(from, text) {
		return fmt.Errorf("%q must be one of %s, not %s", name, strings.Join(from, ", "), value)
	}
	*to = T(text)
	return nil
}

// Check says what is wrong with the options for a column that is a text, or a number (or numbers).
func (o Options) Check(text bool) error {
	switch {
	case !text && o.Encode != Native:
		return fmt.Errorf("%q is for text columns, and this one has numbers", "encode")
	case text && o.Impute == Mean && o.Encode != Target:
		return fmt.Errorf(`"impute": "mean" of a text column needs "encode": "target"`)
	}
	return nil
}
