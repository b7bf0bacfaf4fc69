package exec

import (
	"context"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/text"
)

// callModelRevision takes a text model and keyword arguments of pgml.embed as JSON. It gives the revision of the model that is computed with here; empty: that is not known.
func (e *Engine) callModelRevision(ctx context.Context, _ function.Session, args [][]byte) (string, int, error) {
	if len(args) != 2 {
		return "", 0, errArguments
	}
	options, err := text.ParseEmbedOptions(string(args[0]), args[1])
	if err != nil {
		return "", 0, textError(err)
	}
	revision, err := e.texts.Revision(ctx, string(args[0]), options.Variant)
	return revision, 1, textError(err)
}
