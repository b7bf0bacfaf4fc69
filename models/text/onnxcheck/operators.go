package onnxcheck

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// operators are those that graphs of encoders are made of, by domain. What reads files (EPContext, ImageDecoder), runs as often as it likes (Loop, Scan, the searches of decoders), makes random numbers, or
// takes texts, sequences and pictures is not among them.
var operators = map[string]map[string]bool{
	"": set(`Abs Acos Acosh Add And Asin Asinh Atan Atanh BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Cast CastLike Ceil Celu Clip Cos Cosh Div Elu Equal Erf Exp Floor
		Gelu Greater GreaterOrEqual HardSigmoid HardSwish Identity IsInf IsNaN LeakyRelu Less LessOrEqual Log Max Mean Min Mish Mod Mul Neg Not Or PRelu Pow Reciprocal Relu Round
		Selu Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Sub Sum Swish Tan Tanh ThresholdedRelu Where Xor
		ArgMax ArgMin CumSum Hardmax LogSoftmax LpNormalization ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare
		Softmax TopK Concat Constant ConstantOfShape Expand EyeLike Flatten Gather GatherElements GatherND NonZero OneHot Pad Range Reshape Scatter ScatterElements ScatterND Shape
		Size Slice Split Squeeze Tile Transpose Trilu Unsqueeze If
		Conv Einsum Gemm MatMul MatMulInteger QLinearMatMul DequantizeLinear DynamicQuantizeLinear QuantizeLinear
		Attention BatchNormalization Dropout GroupNormalization InstanceNormalization LayerNormalization MeanVarianceNormalization RMSNormalization RotaryEmbedding SimplifiedLayerNormalization`),
	"com.microsoft": set(`Attention BiasGelu BiasSoftmax DequantizeLinear DynamicQuantizeMatMul EmbedLayerNormalization FastGelu FusedGemm FusedMatMul GatedRelativePositionBias GatherBlockQuantized Gelu
		GroupQueryAttention MatMulIntegerToFloat MatMulNBits MultiHeadAttention QAttention QEmbedLayerNormalization QLinearAdd QLinearConcat QLinearMul QLinearReduceMean QLinearSoftmax
		QuantizeLinear QuickGelu RelativePositionBias RotaryEmbedding SkipLayerNormalization SkipSimplifiedLayerNormalization TransposeMatMul`),
}

func set(words string) map[string]bool {
	s := map[string]bool{}
	for _, w := range strings.Fields(words) {
		s[w] = true
	}
	return s
}

// leavesOut are the operators that may have an input with an empty name, which means that it is left out: ONNX Runtime does not look for that everywhere (Max and its kin, LayerNormalization).
var leavesOut = set(`Attention Clip Conv DequantizeLinear Dropout DynamicQuantizeMatMul EmbedLayerNormalization FusedGemm GatherBlockQuantized Gemm GroupQueryAttention MatMulInteger MatMulIntegerToFloat MatMulNBits
	MultiHeadAttention Pad QAttention QEmbedLayerNormalization QLinearAdd QLinearMul QLinearSoftmax QuantizeLinear ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare
	RotaryEmbedding SkipLayerNormalization SkipSimplifiedLayerNormalization Slice Split Squeeze Trilu`)

// known refuses an operator that is none of ours, or that is used as it may not be.
func (n *node) known() error {
	if slices.Contains(n.inputs, "") && !leavesOut[n.op] {
		return fmt.Errorf("operator %.80q lacks an input", n.op)
	}
	domain := n.domain
	if domain == "ai.onnx" {
		domain = ""
	}
	if operators[domain][n.op] {
		return nil
	}
	if n.domain == "" {
		return &UnsupportedError{What: fmt.Sprintf("the operator %.80q", n.op)}
	}
	return &UnsupportedError{What: fmt.Sprintf("the operator %.80q of %.80q", n.op, n.domain)}
}

// maxMade is how many numbers all the operators of a graph together may make of nothing but constant shapes. The runtime makes them when it loads the graph.
const maxMade = 1 << 27

// maker is a node of an operator that makes a tensor of a shape.
type maker struct {
	op     string
	inputs []string
}

// makes tells how many numbers an operator makes, from its inputs that are constants, nil where they aren't; 0 where it depends on others.
var makes = map[string]func(constants [][]int64) uint64{
	"ConstantOfShape": func(in [][]int64) uint64 { return product(in, 0) },
	"Expand":          func(in [][]int64) uint64 { return product(in, 1) },
	"Tile":            func(in [][]int64) uint64 { return product(in, 1) },
	"OneHot":          func(in [][]int64) uint64 { return product(in, 1) },
	"Range": func(in [][]int64) uint64 {
		if len(in) < 3 || len(in[0]) != 1 || len(in[1]) != 1 || len(in[2]) != 1 || in[2][0] == 0 {
			return 0
		}
		from, to, by := in[0][0], in[1][0], in[2][0]
		if by < 0 {
			from, to, by = to, from, -by
		}
		if to <= from || by < 0 {
			return 0
		}
		return (uint64(to) - uint64(from)) / uint64(by)
	},
	"Pad": func(in [][]int64) uint64 {
		most := uint64(0)
		if len(in) > 1 {
			for _, n := range in[1] {
				most = max(most, uint64(max(n, 0)))
			}
		}
		return most
	},
}

// product is that of one of the inputs' numbers; those below 1 count as 1.
func product(in [][]int64, which int) uint64 {
	if which >= len(in) || in[which] == nil {
		return 0
	}
	n := uint64(1)
	for _, d := range in[which] {
		over, p := bits.Mul64(n, uint64(max(d, 1)))
		if over != 0 {
			return 1<<64 - 1
		}
		n = p
	}
	return n
}

// room refuses a graph whose constants make too many numbers.
func (c *checker) room(in *scope) error {
	for _, n := range in.makes {
		constants := make([][]int64, min(len(n.inputs), 3))
		for i := range constants {
			constants[i] = in.constant(n.inputs[i])
		}
		count := makes[n.op](constants)
		if count > maxMade || c.made+int64(count) > maxMade {
			return fmt.Errorf("it makes more than %d numbers by %s of constants", int64(maxMade), n.op)
		}
		c.made += int64(count)
	}
	return nil
}

// constant is a tensor's numbers, where it is a constant.
func (in *scope) constant(name string) []int64 {
	for ; in != nil; in = in.outer {
		if numbers, there := in.shapes[name]; there {
			return numbers
		}
	}
	return nil
}
