package bygroup

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/pgowl/pgowl/models/learn"
)

// The bytes, numbers as unsigned varints unless said otherwise: "PGGR", format version 1, the feature that chooses, the number of groups, each group's
// value (float32, little-endian), and the engine's own bytes of each model with their length before them, that of all rows first.
const magic = "PGGR\x01"

// Encode implements learn.Model.
func (m *Model) Encode() ([]byte, error) {
	out := binary.AppendUvarint([]byte(magic), uint64(m.feature))
	out = binary.AppendUvarint(out, uint64(len(m.keys)))
	for _, key := range m.keys {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(key))
	}
	for _, one := range append([]learn.Model{m.rest}, m.models...) {
		data, err := one.Encode()
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
		return nil, errors.New("bygroup: wrong magic")
	}
	data = data[len(magic):]
	number := func(most uint64) (int, error) {
		v, n := binary.Uvarint(data)
		if n <= 0 || v > most {
			return 0, errors.New("bygroup: a number is cut or too large")
		}
		data = data[n:]
		return int(v), nil
	}
	feature, err := number(math.MaxInt32)
	if err != nil {
		return nil, err
	}
	count, err := number(MaxGroups)
	if err != nil {
		return nil, err
	}
	if len(data) < 4*count {
		return nil, fmt.Errorf("bygroup: %d groups in %d bytes", count, len(data))
	}
	m := &Model{feature: feature}
	for range count {
		m.keys = append(m.keys, math.Float32frombits(binary.LittleEndian.Uint32(data)))
		data = data[4:]
	}
	for i := range count + 1 {
		size, err := number(uint64(len(data)))
		if err != nil || size > len(data) {
			return nil, errors.New("bygroup: a model is cut")
		}
		one, err := decode(data[:size:size])
		if err != nil {
			return nil, err
		}
		data = data[size:]
		if i == 0 {
			m.rest = one
		} else {
			m.models = append(m.models, one)
		}
	}
	if len(data) > 0 {
		return nil, fmt.Errorf("bygroup: %d bytes too many", len(data))
	}
	return m, m.check()
}
