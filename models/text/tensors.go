package text

import (
	"bytes"
	"fmt"

	"github.com/pgowl/pgowl/models/text/safetensors"
)

// tensor is numbers of a safetensors file.
type tensor struct {
	shape  []int
	values []float32
}

// maxTensors is the size of the largest safetensors file of a step behind the transformer.
const maxTensors = 256 << 20

// readTensors reads a safetensors file. Tensors of F32, F16 and BF16 are read; the others are left out.
func readTensors(dir, name string) (map[string]tensor, error) {
	data, err := readUpTo(dir, name, maxTensors)
	if err != nil {
		return nil, err
	}
	tensors, err := parseTensors(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return tensors, nil
}

func parseTensors(data []byte) (map[string]tensor, error) {
	parsed, err := safetensors.Parse(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	tensors := map[string]tensor{}
	for name, t := range parsed {
		if !t.Floats() {
			continue
		}
		values := make([]float32, t.Count())
		if err := t.Read(values, 0); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		tensors[name] = tensor{shape: t.Shape, values: values}
	}
	return tensors, nil
}
