package exec

import (
	"errors"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/text"
)

// TestTextErrors: what a client reads tells it what to do next.
func TestTextErrors(t *testing.T) {
	_, misspelt := text.ParseEmbedOptions("m", []byte(`{"normalise_embeddings": true}`))
	_, unlike := text.ParseEmbedOptions("m", []byte(`{"x": true}`))
	for _, c := range []struct {
		err        error
		code, hint string
	}{
		{&text.MissingError{Name: "bge-small-en-v1.5"}, "XX000", "ORGANISATION/NAME."},
		{&text.MissingError{Name: "BAAI/bge-small-en-v1.5"}, "XX000", "which models there are."},
		{&text.MissingError{Name: "m", Graph: "model_O4.onnx"}, "XX000", "which models there are."},
		{&text.LibraryError{}, "58P01", "pgowl doctor tells what it finds."},
		{misspelt, "22023", `Perhaps you meant the option "normalize_embeddings".`},
		{unlike, "22023", ""},
	} {
		var got *function.Error
		if !errors.As(textError(c.err), &got) || got.Code != c.code || !strings.HasSuffix(got.Hint, c.hint) || (c.hint == "") != (got.Hint == "") {
			t.Errorf("%v: got %+v, want %s %s", c.err, got, c.code, c.hint)
		}
	}
}
