package onnxhalf

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// Error is a graph that cannot be converted.
type Error struct{ What string }

func (e *Error) Error() string { return "it cannot be made float16: " + e.What }

func refuse(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

// errBroken is what a graph is called that onnxcheck cannot have passed.
var errBroken = errors.New("it is no ONNX graph")

// The numbers of onnx.proto's fields.
const (
	modelGraph     = 7
	modelFunctions = 25

	graphNode, graphInitializer, graphInput, graphOutput, graphValueInfo, graphQuantization, graphSparse = 1, 5, 11, 12, 13, 14, 15

	nodeOperator, nodeAttribute, nodeDomain = 4, 5, 7

	attributeName, attributeFloat, attributeInt, attributeTensor, attributeGraph, attributeType = 1, 2, 3, 5, 6, 20
	attributeFloats, attributeGraphs, attributeSparse, attributeSparses, attributeTensors       = 7, 11, 22, 23, 10

	valueType                                                   = 2
	typeTensor                                                  = 1
	typeElement                                                 = 1
	tensorDims, tensorType, tensorFloats, tensorName, tensorRaw = 1, 2, 4, 8, 9
	tensorExternal, tensorLocation                              = 13, 14
	entryKey, entryValue                                        = 1, 2
)

// The values of TensorProto.DataType and AttributeProto.AttributeType that count.
const (
	typeFloat   = 1
	typeFloat16 = 10
	kindTensor  = 4
)

// operators are those that take float16 wherever they take float32, in ONNX's own domain. What quantizes has scales of float32, and what has other graphs inside would need these converted, too.
var operators = set(`Abs Add And Cast Ceil Clip Concat Constant ConstantOfShape Cos CumSum Div Dropout Einsum Elu Equal Erf Exp Expand Flatten Floor Gather GatherElements GatherND Gelu Gemm Greater GreaterOrEqual
	HardSigmoid HardSwish Identity LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax MatMul Max Mean Min Mod Mul Neg Not OneHot Or Pad Pow Range Reciprocal ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd
	ReduceSum ReduceSumSquare Relu Reshape Round ScatterElements ScatterND Shape Sigmoid Sign Sin Size Slice Softmax Softplus Split Sqrt Squeeze Sub Sum Tanh Tile TopK Transpose Trilu Unsqueeze Where`)

func set(words string) map[string]bool {
	s := map[string]bool{}
	for _, w := range strings.Fields(words) {
		s[w] = true
	}
	return s
}

// maxGraph is the size of the largest graph that comes of it: a protobuf has less than 2 GB, and runtimes have it in memory twice.
const maxGraph = 1 << 30

// converter converts one graph.
type converter struct {
	weights func(location string) (io.ReaderAt, error)
	outside int64 // bytes that were taken from other files
}

// Convert gives a ModelProto in float16. Its inputs and outputs are of float16, too, where they were of float32; names stay. Weights in other files, which weights opens by their paths relative to the graph's,
// come into the graph; nil: there are none. The error is an *Error for what cannot be converted, or of weights.
func Convert(model []byte, weights func(location string) (io.ReaderAt, error)) ([]byte, error) {
	c := &converter{weights: weights}
	out := make([]byte, 0, len(model)/2+len(model)/8)
	err := fields(model, func(f field) (err error) {
		switch f.number {
		case modelFunctions:
			return refuse("it has functions of its own")
		case modelGraph:
			out, err = f.nested(out, c.graph)
			return err
		}
		out = append(out, f.all...)
		return nil
	})
	return out, err
}

// graph converts a GraphProto. What it says of types in its middle is left out: runtimes find these by themselves.
func (c *converter) graph(out, in []byte) ([]byte, error) {
	err := fields(in, func(f field) (err error) {
		switch f.number {
		case graphNode:
			out, err = f.nested(out, c.node)
		case graphInitializer:
			out, err = f.nested(out, c.tensor)
		case graphInput, graphOutput:
			out, err = f.nested(out, value)
		case graphValueInfo:
		case graphQuantization, graphSparse:
			return refuse("it has weights that are quantized or sparse")
		default:
			out = append(out, f.all...)
		}
		return err
	})
	return out, err
}

// node converts a NodeProto: what it makes is of float16 where it was of float32.
func (c *converter) node(out, in []byte) ([]byte, error) {
	op, domain := "", ""
	if err := fields(in, func(f field) error {
		switch f.number {
		case nodeOperator:
			op = string(f.content)
		case nodeDomain:
			domain = string(f.content)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	if domain != "" && domain != "ai.onnx" || !operators[op] {
		return nil, refuse("the operator %.80q is not known", op)
	}
	made := false // by an attribute
	err := fields(in, func(f field) (err error) {
		if f.number != nodeAttribute {
			out = append(out, f.all...)
			return nil
		}
		out, err = f.nested(out, func(out, in []byte) ([]byte, error) {
			made = true
			return c.attribute(out, in, op)
		})
		return err
	})
	if err == nil && op == "ConstantOfShape" && !made { // a float32 of 0
		zero := protowire.AppendVarint(protowire.AppendTag(nil, tensorDims, protowire.VarintType), 1)
		zero = protowire.AppendVarint(protowire.AppendTag(zero, tensorType, protowire.VarintType), typeFloat16)
		zero = protowire.AppendBytes(protowire.AppendTag(zero, tensorRaw, protowire.BytesType), []byte{0, 0})
		value := protowire.AppendString(protowire.AppendTag(nil, attributeName, protowire.BytesType), "value")
		value = protowire.AppendBytes(protowire.AppendTag(value, attributeTensor, protowire.BytesType), zero)
		value = protowire.AppendVarint(protowire.AppendTag(value, attributeType, protowire.VarintType), kindTensor)
		out = protowire.AppendBytes(protowire.AppendTag(out, nodeAttribute, protowire.BytesType), value)
	}
	return out, err
}

// attribute converts an AttributeProto of an operator: the type that a Cast casts to, and tensors. Numbers of float32 that say how to compute are that in all types.
func (c *converter) attribute(out, in []byte, op string) ([]byte, error) {
	name := ""
	if err := fields(in, func(f field) error {
		if f.number == attributeName {
			name = string(f.content)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	err := fields(in, func(f field) (err error) {
		switch f.number {
		case attributeGraph, attributeGraphs, attributeSparse, attributeSparses, attributeTensors:
			return refuse("the operator %.80q has parts that are not known", op)
		case attributeFloat, attributeFloats:
			if op == "Constant" {
				return refuse("a constant is no tensor")
			}
		case attributeTensor:
			out, err = f.nested(out, c.tensor)
			return err
		case attributeInt:
			if op == "Cast" && name == "to" && f.kind == protowire.VarintType && f.value == typeFloat {
				out = protowire.AppendVarint(protowire.AppendTag(out, attributeInt, protowire.VarintType), typeFloat16)
				return nil
			}
		}
		out = append(out, f.all...)
		return nil
	})
	return out, err
}

// value converts a ValueInfoProto: its type, if that is a tensor's.
func value(out, in []byte) ([]byte, error) {
	return within(out, in, valueType, func(out, in []byte) ([]byte, error) {
		return within(out, in, typeTensor, func(out, in []byte) ([]byte, error) {
			err := fields(in, func(f field) error {
				if f.number == typeElement && f.kind == protowire.VarintType && f.value == typeFloat {
					out = protowire.AppendVarint(protowire.AppendTag(out, typeElement, protowire.VarintType), typeFloat16)
				} else {
					out = append(out, f.all...)
				}
				return nil
			})
			return out, err
		})
	})
}
