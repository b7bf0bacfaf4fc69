package onnxgraph

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/pgowl/pgowl/models/text/safetensors"
)

// builder puts a graph together. What cannot be built is its err, the first one; the rest then does nothing of use.
type builder struct {
	tensors   map[string]*safetensors.Tensor
	prefix    string // of the encoder's names in tensors
	used      map[string]bool
	nodes     []message
	constants []message // small ones
	known     map[string]bool
	weights   []weight
	size      int64 // of all weights in bytes, as they are written
	values    []message
	err       error
}

// weight is numbers that are written beside the graph.
type weight struct {
	name      string
	shape     []int
	from      *safetensors.Tensor
	transpose bool      // a matrix is written with its dimensions exchanged; shape is the new one
	values    []float32 // in place of from: computed ones
	offset    int64     // in the file
}

// alignment is where weights begin: a cache line's start, as runtimes that map the file into memory like it.
const alignment = 64

func (b *builder) fail(format string, args ...any) {
	if b.err == nil {
		b.err = fmt.Errorf(format, args...)
	}
}

// op adds an operator and returns the name of its output.
func (b *builder) op(kind string, inputs []string, attributes ...attribute) string {
	return b.named(kind+"_"+strconv.Itoa(len(b.nodes)), kind, inputs, attributes...)
}

// named is op with a name for the output.
func (b *builder) named(output, kind string, inputs []string, attributes ...attribute) string {
	b.nodes = append(b.nodes, node(kind, kind+"_"+strconv.Itoa(len(b.nodes)), inputs, output, attributes))
	return output
}

// float is a constant.
func (b *builder) float(v float32) string {
	return b.constant("float_"+strconv.FormatFloat(float64(v), 'g', -1, 32), typeFloat, nil, float32Bytes(v))
}

// int is a constant without dimensions, ints one with one.
func (b *builder) int(v int64) string {
	return b.constant("int_"+strconv.FormatInt(v, 10), typeInt64, nil, int64Bytes(v))
}

func (b *builder) ints(list ...int64) string {
	name := "ints"
	for _, v := range list {
		name += "_" + strconv.FormatInt(v, 10)
	}
	return b.constant(name, typeInt64, []int{len(list)}, int64Bytes(list...))
}

// constant adds a constant once.
func (b *builder) constant(name string, kind int64, shape []int, data []byte) string {
	if !b.known[name] {
		b.known[name] = true
		b.constants = append(b.constants, constant(name, kind, shape, data))
	}
	return name
}

// find looks a tensor up and checks its shape.
func (b *builder) find(name string, shape ...int) *safetensors.Tensor {
	t := b.tensors[name]
	switch {
	case t == nil:
		b.fail("the weights have no %s", name)
	case !slices.Equal(t.Shape, shape):
		b.fail("%s has the shape %v, config.json wants %v", name, t.Shape[:min(len(t.Shape), 8)], shape)
	case !t.Floats():
		b.fail("%s is of type %.20q: want F32, F16 or BF16", name, t.Type)
	default:
		b.used[name] = true
		return t
	}
	return nil
}

// tensor is a tensor of the weights.
func (b *builder) tensor(name string, shape ...int) string {
	return b.weight(weight{name: name, shape: shape, from: b.find(name, shape...)})
}

// weight adds numbers that are written beside the graph.
func (b *builder) weight(w weight) string {
	w.offset = (b.size + alignment - 1) / alignment * alignment
	b.size = w.offset + w.bytes()
	b.weights = append(b.weights, w)
	return w.name
}

// bytes is how many are written.
func (w *weight) bytes() int64 {
	n := int64(4)
	for _, d := range w.shape {
		n *= int64(d)
	}
	return n
}

// linear is a layer of PyTorch's: its weight is [out, in], and MatMul wants [in, out].
func (b *builder) linear(x, name string, in, out int) string {
	from := b.find(name+".weight", out, in)
	w := b.weight(weight{name: name + ".weight", shape: []int{in, out}, from: from, transpose: true})
	return b.op("Add", []string{b.op("MatMul", []string{x, w}), b.tensor(name+".bias", out)})
}

// norm is a LayerNorm. Old weights call its two arrays gamma and beta.
func (b *builder) norm(output, x, name string, width int, epsilon float32) string {
	scale, shift := name+".weight", name+".bias"
	if b.tensors[scale] == nil && b.tensors[name+".gamma"] != nil {
		scale, shift = name+".gamma", name+".beta"
	}
	inputs := []string{x, b.tensor(scale, width), b.tensor(shift, width)}
	attributes := []attribute{intAttribute("axis", -1), floatAttribute("epsilon", epsilon)}
	if output == "" {
		return b.op("LayerNormalization", inputs, attributes...)
	}
	return b.named(output, "LayerNormalization", inputs, attributes...)
}
