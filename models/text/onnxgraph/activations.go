package onnxgraph

import "math"

// activations are transformers' (activations.py), by the names that config.json has for them. Those with Erf and Tanh are written as exporters write them, which runtimes recognise.
var activations = map[string]func(b *builder, x string) string{
	"gelu":              gelu,
	"gelu_python":       gelu,
	"gelu_new":          tanhGelu,
	"gelu_pytorch_tanh": tanhGelu,
	"gelu_python_tanh":  tanhGelu,
	"gelu_fast":         tanhGelu,
	"quick_gelu": func(b *builder, x string) string {
		return b.op("Mul", []string{x, b.op("Sigmoid", []string{b.op("Mul", []string{x, b.float(1.702)})})})
	},
	"relu":    func(b *builder, x string) string { return b.op("Relu", []string{x}) },
	"silu":    silu,
	"swish":   silu,
	"tanh":    func(b *builder, x string) string { return b.op("Tanh", []string{x}) },
	"sigmoid": func(b *builder, x string) string { return b.op("Sigmoid", []string{x}) },
}

// gelu is x (1 + erf(x / √2)) / 2.
func gelu(b *builder, x string) string {
	erf := b.op("Erf", []string{b.op("Div", []string{x, b.float(math.Sqrt2)})})
	return b.op("Mul", []string{b.op("Mul", []string{x, b.op("Add", []string{erf, b.float(1)})}), b.float(0.5)})
}

// tanhGelu is x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2.
func tanhGelu(b *builder, x string) string {
	cube := b.op("Mul", []string{b.op("Pow", []string{x, b.float(3)}), b.float(0.044715)})
	inside := b.op("Mul", []string{b.op("Add", []string{x, cube}), b.float(float32(math.Sqrt(2 / math.Pi)))})
	sum := b.op("Add", []string{b.op("Tanh", []string{inside}), b.float(1)})
	return b.op("Mul", []string{b.op("Mul", []string{x, b.float(0.5)}), sum})
}

func silu(b *builder, x string) string { return b.op("Mul", []string{x, b.op("Sigmoid", []string{x})}) }
