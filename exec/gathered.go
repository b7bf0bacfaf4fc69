package exec

import (
	"bytes"
	"context"
	"encoding/binary"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/exec/predict"
)

// eachRow calls do with the model and the features of each row that was gathered: the array bytea[] in binary form. The features are nil for
// NULL, and hold during the call only. A row that is no features is an error of that row.
func (e *Engine) eachRow(ctx context.Context, s function.Session, args [][]byte, do func(model *predict.Model, features []float32, err error) error) error {
	if len(args) != 2 || len(args[0]) != 8 || len(args[1]) < 20 {
		return errArguments
	}
	model, err := e.model(ctx, int64(binary.BigEndian.Uint64(args[0])), s)
	if err != nil {
		return err
	}
	features := []float32{}
	for rest := args[1][20:]; len(rest) > 0; { // past the array's header
		var row []byte
		if row, rest, err = nextRow(rest); err != nil {
			return err
		}
		switch {
		case row == nil:
			err = do(model, nil, nil)
		case row[0] == 'F':
			features, err = featuresOf(features[:0], Field{OID: oidFloat4Array, Format: 1}, row[1:])
			err = do(model, features, err)
		default:
			features, err = model.Row(features[:0], row[1:])
			err = do(model, features, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// nextRow takes the first row off an array's elements: the project's name and a zero byte, which the database has read already, and F or R with
// the row itself. It is nil for NULL.
func nextRow(b []byte) (row, rest []byte, err error) {
	element, rest, err := nextElement(b)
	if err != nil || element == nil {
		return nil, rest, err
	}
	_, row, _ = bytes.Cut(element, []byte{0})
	if len(row) == 0 || row[0] != 'F' && row[0] != 'R' {
		return nil, nil, errArguments
	}
	return row, rest, nil
}

// nextElement takes the first off the elements of an array in binary form: a length, -1 for NULL (which gives nil), and the bytes.
func nextElement(b []byte) (element, rest []byte, err error) {
	if len(b) < 4 {
		return nil, nil, errArguments
	}
	n := int(int32(binary.BigEndian.Uint32(b)))
	b = b[4:]
	if n == -1 {
		return nil, b, nil
	}
	if n < 0 || n > len(b) {
		return nil, nil, errArguments
	}
	return b[:n:n], b[n:], nil
}
