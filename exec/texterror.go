package exec

import (
	"errors"
	"strings"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/exec/textmodels"
	"github.com/pgowl/pgowl/models/text"
	"github.com/pgowl/pgowl/models/text/names"
	"github.com/pgowl/pgowl/models/text/onnxcheck"
	"github.com/pgowl/pgowl/models/text/tokenize"
)

// textError gives an engine's error its SQLSTATE.
func textError(err error) error {
	var missing *text.MissingError
	var option *text.OptionError
	var library *text.LibraryError
	var model *text.ModelError
	var name *names.Error
	var precision *text.PrecisionError
	var device *text.DeviceError
	var revision *text.RevisionError
	var tokenizer *tokenize.UnsupportedError
	var graph *onnxcheck.UnsupportedError
	var shared *textmodels.Error
	var known *function.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return known
	case errors.As(err, &missing):
		hint := "Run it where PgOwl runs, with the same PGOWL_DATA or PGOWL_MODELS; pgowl models list tells which models there are."
		if missing.Graph == "" && !strings.Contains(missing.Name, "/") {
			hint += " A model of others than sentence-transformers is named ORGANISATION/NAME."
		}
		return function.Errorf("XX000", "%s", err.Error()).WithHint(hint)
	case errors.As(err, &revision):
		return function.Errorf("XX000", "%s", err.Error()).WithHint("Run it where PgOwl runs, with the same PGOWL_DATA or PGOWL_MODELS.")
	case errors.As(err, &option):
		return optionError(err, option.Unsupported, option.Nearest)
	case errors.As(err, &name):
		return function.Errorf("22023", "%s", err.Error())
	case errors.As(err, &precision):
		return function.Errorf("0A000", "%s", err.Error())
	case errors.As(err, &device):
		return function.Errorf("55000", "%s", err.Error())
	case errors.As(err, &tokenizer), errors.As(err, &graph):
		return function.Errorf("0A000", "%s", err.Error())
	case errors.As(err, &library): // a model's, too: bfloat16 has a library of its own
		return function.Errorf("58P01", "%s", err.Error()).WithHint("make puts it into the data folder, so with the same PGOWL_DATA; PgOwl looks for it when it starts. pgowl doctor tells what it finds.")
	case errors.As(err, &shared):
		return function.Errorf("XX000", "%s", err.Error())
	case errors.As(err, &model):
		return function.Errorf("XX000", "%s", err.Error())
	}
	return err
}

// optionError gives the error of an option its SQLSTATE, and a hint where it may be a misspelt one.
func optionError(err error, unsupported bool, nearest string) *function.Error {
	code := "22023"
	if unsupported {
		code = "0A000"
	}
	e := function.Errorf(code, "%s", err.Error())
	if nearest != "" {
		e = e.WithHint("Perhaps you meant the option \"" + nearest + "\".")
	}
	return e
}
