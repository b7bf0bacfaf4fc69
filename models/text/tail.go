package text

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	ort "github.com/yalue/onnxruntime_go"
	"google.golang.org/protobuf/encoding/protowire"
)

// The names that a tail adds to a graph.
const (
	tailWeights = "pgowl_weights" // [rows, ways, tokens]: what each token counts in each way of pooling
	tailOutput  = "pgowl_pooled"  // [rows, ways, width]
	tailFloats  = "pgowl_floats"
)

// maxTailed is the size of the largest graph that is changed in memory, where it is twice for a moment.
const maxTailed = 1 << 30

// readGraph reads a graph's file, which the caller may append a tail to.
func readGraph(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	if info.Size() > maxTailed {
		return nil, fmt.Errorf("it has %d MB, of which %d are the most that can be changed in memory", info.Size()>>20, maxTailed>>20)
	}
	model := make([]byte, info.Size(), info.Size()+1024)
	if _, err := io.ReadFull(f, model); err != nil {
		return nil, err
	}
	return model, nil
}

// poolingTail, behind a ModelProto (onnx.proto), pools an output: it multiplies the vectors of the tokens by weights, a new input. Where a graph runs on a card, only the texts' vectors need come
// back from there, a hundredth of the numbers, and nobody has to add up the rest. The parts of a protobuf message that stand one behind the other are one message, lists one list (protobuf's
// encoding guide, "Last one wins"), so that the file itself is not looked into.
func poolingTail(output *ort.InputOutputInfo) []byte {
	const (
		modelGraph                                         = 7
		graphNode, graphInput, graphOutput                 = 1, 11, 12
		nodeInput, nodeOutput, nodeOperator, nodeAttribute = 1, 2, 4, 5
		attributeName, attributeInt, attributeType         = 1, 3, 20
		valueName, valueType                               = 1, 2
		typeTensor                                         = 1
		tensorElement, tensorShape                         = 1, 2
		shapeDim, dimParam                                 = 1, 2
		float, kindInt                                     = 1, 2 // TensorProto.FLOAT, AttributeProto.INT
	)
	var graph []byte
	hidden := output.Name
	if output.DataType == ort.TensorElementDataTypeFloat16 {
		to := bytesField(nil, attributeName, []byte("to"))
		to = intField(intField(to, attributeInt, float), attributeType, kindInt)
		node := bytesField(bytesField(nil, nodeInput, []byte(hidden)), nodeOutput, []byte(tailFloats))
		node = bytesField(bytesField(node, nodeOperator, []byte("Cast")), nodeAttribute, to)
		graph = bytesField(graph, graphNode, node)
		hidden = tailFloats
	}
	node := bytesField(bytesField(nil, nodeInput, []byte(tailWeights)), nodeInput, []byte(hidden))
	node = bytesField(bytesField(node, nodeOutput, []byte(tailOutput)), nodeOperator, []byte("MatMul"))
	graph = bytesField(graph, graphNode, node)
	value := func(name string, dims ...string) []byte {
		var shape []byte
		for _, d := range dims {
			shape = bytesField(shape, shapeDim, bytesField(nil, dimParam, []byte(d)))
		}
		tensor := bytesField(intField(nil, tensorElement, float), tensorShape, shape)
		return bytesField(bytesField(nil, valueName, []byte(name)), valueType, bytesField(nil, typeTensor, tensor))
	}
	graph = bytesField(graph, graphInput, value(tailWeights, "pgowl_rows", "pgowl_ways", "pgowl_tokens"))
	graph = bytesField(graph, graphOutput, value(tailOutput, "pgowl_rows", "pgowl_ways", "pgowl_width"))
	return bytesField(nil, modelGraph, graph)
}

// bytesField appends a field of bytes to a protobuf message.
func bytesField(b []byte, number protowire.Number, content []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, number, protowire.BytesType), content)
}

// intField appends a field of a number.
func intField(b []byte, number protowire.Number, value uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, number, protowire.VarintType), value)
}

// linear tells whether a pooling is a sum of the tokens' vectors by weights that the vectors do not change.
func (p pooling) linear() bool { return p != poolMax }

// weigh writes what each of a text's n tokens counts, of which the first skip do not take part; behind the text it is 0. It is pool by other means.
func weigh(dst []float32, n, skip int, how pooling) {
	clear(dst)
	count := n - skip
	switch how {
	case poolCLS:
		dst[0] = 1
	case poolLast:
		dst[n-1] = 1
	case poolMean, poolMeanSqrt:
		by := 1 / float64(count)
		if how == poolMeanSqrt {
			by = 1 / math.Sqrt(float64(count))
		}
		for i := skip; i < n; i++ {
			dst[i] = float32(by)
		}
	case poolWeighted:
		sum := float64(skip+1+n) * float64(count) / 2
		for i := skip; i < n; i++ {
			dst[i] = float32(float64(i+1) / sum)
		}
	}
}
