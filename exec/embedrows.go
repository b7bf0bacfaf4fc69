package exec

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"

	"github.com/pgowl/pgowl/exec/call"
	"github.com/pgowl/pgowl/exec/function"
)

// arrays are what the functions in the database may call by pgowl.call_vectors.
var arrays = map[string]func(*Engine, context.Context, function.Session, [][]byte) (value call.Array, rows int, err error){
	"embed_rows": (*Engine).callEmbedRows,
}

// arrays gives them, each with its meter.
func (e *Engine) arrays() map[string]call.ArrayFunc {
	all := map[string]call.ArrayFunc{}
	for name, f := range arrays {
		all[name] = measured(e, name, func(ctx context.Context, s function.Session, args [][]byte) (call.Array, int, error) {
			return f(e, ctx, s, args)
		})
	}
	return all
}

// callEmbedRows embeds the texts of many rows, as 25_batch.sql gathers them, those of one model and one set of options together.
func (e *Engine) callEmbedRows(ctx context.Context, _ function.Session, args [][]byte) (call.Array, int, error) {
	if len(args) != 2 || len(args[0]) < 20 || len(args[1]) != 4 {
		return nil, 0, errArguments
	}
	rows := map[embedKey][]int{}
	texts := map[embedKey][]string{}
	n := 0
	for rest := args[0][20:]; len(rest) > 0; n++ { // past the array's header
		var row []byte
		var err error
		if row, rest, err = nextElement(rest); err != nil {
			return nil, 0, err
		}
		if row == nil {
			continue
		}
		model, rest, ok := bytes.Cut(row, []byte{0})
		kwargs, input, ok2 := bytes.Cut(rest, []byte{0})
		if !ok || !ok2 {
			return nil, 0, errArguments
		}
		key := embedKey{string(model), string(kwargs)}
		rows[key] = append(rows[key], n)
		texts[key] = append(texts[key], string(input))
	}
	all := vectors{list: make([][]float32, n), element: binary.BigEndian.Uint32(args[1])}
	for key, places := range rows {
		embedded, err := e.embed(ctx, key.model, texts[key], []byte(key.kwargs), false)
		if err != nil {
			return nil, 0, err
		}
		for i, place := range places {
			all.list[place] = embedded[i]
		}
	}
	return all, n, nil
}

// vectors is an array of pgowl.vector, nil for NULL.
type vectors struct {
	list    [][]float32
	element uint32 // the OID of its type
}

// Text implements call.Array.
func (v vectors) Text() string {
	b := []byte{'{'}
	for i, one := range v.list {
		if i > 0 {
			b = append(b, ',')
		}
		if one == nil {
			b = append(b, "NULL"...)
		} else {
			b = append(appendReals(append(b, '"'), one), '"')
		}
	}
	return string(append(b, '}'))
}

// Binary implements call.Array: what array_send makes.
func (v vectors) Binary() []byte {
	size := 20
	for _, one := range v.list {
		size += 24 + 8*len(one)
	}
	b := make([]byte, 0, size)
	for _, word := range [5]uint32{1, 1, v.element, uint32(len(v.list)), 1} { // one dimension, NULLs, the elements' type, how many, from 1 on
		b = binary.BigEndian.AppendUint32(b, word)
	}
	for _, one := range v.list {
		if one == nil {
			b = binary.BigEndian.AppendUint32(b, math.MaxUint32)
			continue
		}
		b = binary.BigEndian.AppendUint32(b, uint32(20+8*len(one)))
		b = encodeReals(b, 1, one)
	}
	return b
}
