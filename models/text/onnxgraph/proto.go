package onnxgraph

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// The numbers of fields and types are those of ONNX's onnx.proto: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
const (
	irVersion = 8  // the first that goes with the operators' version
	opset     = 17 // the first with LayerNormalization

	typeFloat = 1
	typeInt64 = 7
)

// message is a protobuf message that grows.
type message []byte

func (m *message) int(field protowire.Number, v int64) {
	*m = protowire.AppendVarint(protowire.AppendTag(*m, field, protowire.VarintType), uint64(v))
}

func (m *message) text(field protowire.Number, v string) {
	*m = protowire.AppendString(protowire.AppendTag(*m, field, protowire.BytesType), v)
}

func (m *message) bytes(field protowire.Number, v []byte) {
	*m = protowire.AppendBytes(protowire.AppendTag(*m, field, protowire.BytesType), v)
}

func (m *message) float(field protowire.Number, v float32) {
	*m = protowire.AppendFixed32(protowire.AppendTag(*m, field, protowire.Fixed32Type), math.Float32bits(v))
}

// attribute is a named setting of a node.
type attribute message

func intAttribute(name string, v int64) attribute {
	var a message
	a.text(1, name)
	a.int(20, 2) // its type
	a.int(3, v)
	return attribute(a)
}

func floatAttribute(name string, v float32) attribute {
	var a message
	a.text(1, name)
	a.int(20, 1)
	a.float(2, v)
	return attribute(a)
}

func intsAttribute(name string, list ...int64) attribute {
	var a message
	a.text(1, name)
	a.int(20, 7)
	for _, v := range list {
		a.int(8, v)
	}
	return attribute(a)
}

// node is an operator.
func node(kind string, name string, inputs []string, output string, attributes []attribute) message {
	var n message
	for _, in := range inputs {
		n.text(1, in)
	}
	n.text(2, output)
	n.text(3, name)
	n.text(4, kind)
	for _, a := range attributes {
		n.bytes(5, a)
	}
	return n
}

// value describes a tensor: its name, type, and dimensions, each a number or, as a string, a name for what is known at run time.
func value(name string, kind int64, dimensions ...any) message {
	var shape, tensor, typ, v message
	for _, d := range dimensions {
		var dim message
		switch d := d.(type) {
		case int:
			dim.int(1, int64(d))
		case string:
			dim.text(2, d)
		}
		shape.bytes(1, dim)
	}
	tensor.int(1, kind)
	tensor.bytes(2, shape)
	typ.bytes(1, tensor)
	v.text(1, name)
	v.bytes(2, typ)
	return v
}

// constant is a tensor whose numbers are in the graph.
func constant(name string, kind int64, shape []int, data []byte) message {
	t := tensor(name, kind, shape)
	t.bytes(9, data)
	return t
}

// external is a tensor whose numbers are in another file of the same folder.
func external(name string, shape []int, file string, offset, length string) message {
	t := tensor(name, typeFloat, shape)
	for _, pair := range [][2]string{{"location", file}, {"offset", offset}, {"length", length}} {
		var entry message
		entry.text(1, pair[0])
		entry.text(2, pair[1])
		t.bytes(13, entry)
	}
	t.int(14, 1) // external
	return t
}

func tensor(name string, kind int64, shape []int) message {
	var t message
	for _, d := range shape {
		t.int(1, int64(d))
	}
	t.int(2, kind)
	t.text(8, name)
	return t
}

func float32Bytes(values ...float32) []byte {
	return appendFloats(make([]byte, 0, 4*len(values)), values)
}

func appendFloats(b []byte, values []float32) []byte {
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

func int64Bytes(values ...int64) []byte {
	b := make([]byte, 0, 8*len(values))
	for _, v := range values {
		b = binary.LittleEndian.AppendUint64(b, uint64(v))
	}
	return b
}
