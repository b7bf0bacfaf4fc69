// Package exchange reads and writes models of trees in the formats of XGBoost and LightGBM, so that a model trained there predicts here, and the other
// way round. What it reads comes from anywhere: every number is looked at before it is used, and memory is in proportion to the input.
package exchange

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/pgowl/pgowl/models/gbdt"
	"github.com/pgowl/pgowl/models/learn"
)

// Format is the name of a format, as clients write it.
type Format string

// The formats.
const (
	XGBoostJSON  Format = "xgboost-json"
	XGBoostUBJ   Format = "xgboost-ubj"
	LightGBMText Format = "lightgbm-text"
)

// Formats are all of them.
var Formats = []Format{XGBoostJSON, XGBoostUBJ, LightGBMText}

// ErrFormat is returned, wrapped with what is wrong, for bytes that are not a whole and sound model in the format.
var ErrFormat = errors.New("not a model in this format")

// ErrTask is returned, wrapped with why, for a model that is not for the task.
var ErrTask = errors.New("not a model for this task")

// Unsupported is something in a file, or in a model, that the other side has no counterpart for.
type Unsupported struct{ What string }

// Error implements error.
func (e *Unsupported) Error() string { return e.What }

// File is what a model file holds.
type File struct {
	Algorithm   string         // the library's name as an algorithm of pgml: xgboost or lightgbm
	Names       []string       // of the features; nil where the file has none
	Hyperparams map[string]any // as far as the file has them
	Model       learn.Model
}

// Read reads a file as a model for a task. Errors wrap ErrFormat or ErrTask, or are an *Unsupported.
func Read(format Format, data []byte, task learn.Task) (*File, error) {
	b, err := readBook(format, data, task)
	if err != nil {
		return nil, err
	}
	m, err := b.model()
	if errors.Is(err, gbdt.ErrSets) {
		return nil, &Unsupported{"a split by categories with codes above 16777216"}
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return &File{Algorithm: b.algorithm, Names: b.names, Hyperparams: b.hyperparams, Model: m}, nil
}

// readBook reads a file, but for what the engine checks.
func readBook(format Format, data []byte, task learn.Task) (b *book, err error) {
	switch format {
	case XGBoostJSON:
		b, err = readXGBoost(data)
	case XGBoostUBJ:
		var text []byte
		if text, err = ubjsonToJSON(data); err == nil {
			b, err = readXGBoost(text)
		}
	case LightGBMText:
		b, err = readLightGBM(data)
	default:
		return nil, &Unsupported{fmt.Sprintf("format %q", format)}
	}
	if err != nil {
		return nil, err
	}
	if err := b.settle(task); err != nil {
		return nil, err
	}
	for _, name := range b.names {
		if !utf8.ValidString(name) || strings.IndexByte(name, 0) >= 0 {
			return nil, bad("a feature is named %.80q", name)
		}
	}
	return b, nil
}

// Write writes a model. names has a name a feature, or is nil. Errors are *Unsupported.
func Write(format Format, m learn.Model, names []string) ([]byte, error) {
	if len(names) != m.Features() {
		names = nil
	}
	switch format {
	case XGBoostJSON, XGBoostUBJ:
		d, err := writeXGBoost(m, names)
		if err != nil {
			return nil, err
		}
		if format == XGBoostJSON {
			return appendJSON(nil, d), nil
		}
		return appendUBJSON(nil, d), nil
	case LightGBMText:
		trees, ok := m.(*gbdt.Model)
		if !ok {
			return nil, &Unsupported{"a model that is not made of trees"}
		}
		return writeLightGBM(trees.Forest(), names)
	}
	return nil, &Unsupported{fmt.Sprintf("format %q", format)}
}

func bad(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrFormat}, args...)...)
}
