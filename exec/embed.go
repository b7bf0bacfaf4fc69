package exec

import (
	"context"

	"github.com/pgowl/pgowl/exec/function"
)

func (e *Engine) callEmbed(ctx context.Context, _ function.Session, args [][]byte) (string, int, error) {
	if len(args) != 3 {
		return "", 0, errArguments
	}
	vectors, err := e.embed(ctx, string(args[0]), []string{string(args[1])}, args[2], false)
	if err != nil {
		return "", 0, err
	}
	return string(appendReals(nil, vectors[0])), 1, nil
}

func (e *Engine) callEmbedMany(ctx context.Context, _ function.Session, args [][]byte) (string, int, error) {
	if len(args) != 3 {
		return "", 0, errArguments
	}
	inputs, err := textsOf("inputs", args[1])
	if err != nil {
		return "", 0, err
	}
	vectors, err := e.embed(ctx, string(args[0]), inputs, args[2], true)
	if err != nil {
		return "", 0, err
	}
	b := []byte{'{'}
	for i, v := range vectors {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendReals(b, v)
	}
	return string(append(b, '}')), len(vectors), nil
}
