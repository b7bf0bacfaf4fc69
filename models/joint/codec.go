package joint

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/pgowl/pgowl/models/learn"
)

// The bytes, numbers as unsigned varints: "PGJT", format version 1, the number of outputs, and for each of them its length and the
// engine's own bytes.
const magic = "PGJT\x01"

// Encode implements learn.Model.
func (m *Model) Encode() ([]byte, error) {
	out := binary.AppendUvarint([]byte(magic), uint64(len(m.outputs)))
	for _, o := range m.outputs {
		data, err := o.Encode()
		if err != nil {
			return nil, err
		}
		out = append(binary.AppendUvarint(out, uint64(len(data))), data...)
	}
	return out, nil
}

// Decode reads the bytes that a Model was encoded to; decode reads those of an engine. It takes any bytes.
func Decode(data []byte, decode func([]byte) (learn.Model, error)) (*Model, error) {
	if len(data) < len(magic) || string(data[:len(magic)]) != magic {
		return nil, errors.New("joint: wrong magic")
	}
	data = data[len(magic):]
	number := func() (uint64, error) {
		v, n := binary.Uvarint(data)
		if n <= 0 {
			return 0, errors.New("joint: a number is cut or too large")
		}
		data = data[n:]
		return v, nil
	}
	count, err := number()
	if err != nil {
		return nil, err
	}
	if count > MaxOutputs {
		return nil, fmt.Errorf("joint: %d outputs", count)
	}
	m := &Model{}
	for range count {
		size, err := number()
		if err != nil {
			return nil, err
		}
		if size > uint64(len(data)) {
			return nil, fmt.Errorf("joint: an output of %d bytes, where %d are left", size, len(data))
		}
		o, err := decode(data[:size:size])
		if err != nil {
			return nil, err
		}
		m.outputs, data = append(m.outputs, o), data[size:]
	}
	if len(data) > 0 {
		return nil, fmt.Errorf("joint: %d bytes too many", len(data))
	}
	return m, m.check()
}
