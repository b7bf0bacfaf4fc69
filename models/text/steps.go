package text

import (
	"fmt"
	"math"
	"path"
	"strings"
)

// step is what a sentence-transformers model does to a pooled vector. It never changes and is safe for use by several goroutines.
type step interface {
	// width is the width of what comes of a vector so wide; an error where it does not take one.
	width(in int) (int, error)
	// apply gives the new vector, in v or in dst, which is as wide as the new one.
	apply(dst, v []float32) []float32
}

// normalizeStep is Normalize: it makes the length 1.
type normalizeStep struct{}

func (normalizeStep) width(in int) (int, error) { return in, nil }

func (normalizeStep) apply(_, v []float32) []float32 {
	normalize(v)
	return v
}

// dense is a linear layer and a function of each of its outputs.
type dense struct {
	in, out  int
	weight   []float32 // a row of in for each output
	bias     []float32 // nil: none
	activate func(float64) float64
}

func (d *dense) width(in int) (int, error) {
	if in != d.in {
		return 0, fmt.Errorf("a Dense step takes %d numbers, there are %d", d.in, in)
	}
	return d.out, nil
}

func (d *dense) apply(dst, v []float32) []float32 {
	for o := range dst {
		row := d.weight[o*d.in:][:len(v)]
		var a, b, e, f float32 // four sums, which do not wait for each other
		i := 0
		for ; i+4 <= len(v); i += 4 {
			a += row[i] * v[i]
			b += row[i+1] * v[i+1]
			e += row[i+2] * v[i+2]
			f += row[i+3] * v[i+3]
		}
		for ; i < len(v); i++ {
			a += row[i] * v[i]
		}
		sum := a + b + e + f
		if d.bias != nil {
			sum += d.bias[o]
		}
		if d.activate != nil {
			sum = float32(d.activate(float64(sum)))
		}
		dst[o] = sum
	}
	return dst
}

// activations are PyTorch's, by the last part of their names. nil leaves a number as it is.
var activations = map[string]func(float64) float64{
	"Identity": nil,
	"Tanh":     math.Tanh,
	"ReLU":     func(x float64) float64 { return max(x, 0) },
	"Sigmoid":  func(x float64) float64 { return 1 / (1 + math.Exp(-x)) },
	"GELU":     func(x float64) float64 { return x / 2 * (1 + math.Erf(x/math.Sqrt2)) },
	"SiLU":     func(x float64) float64 { return x / (1 + math.Exp(-x)) },
}

// readDense reads a Dense step's folder: config.json and model.safetensors. Weights that are a pickle are never loaded.
func readDense(dir, folder string) (*dense, error) {
	name := path.Join(folder, "config.json")
	var c struct {
		In         int     `json:"in_features"`
		Out        int     `json:"out_features"`
		Bias       *bool   `json:"bias"`
		Activation string  `json:"activation_function"`
		Input      *string `json:"module_input_name"`
		Output     *string `json:"module_output_name"`
	}
	if found, err := readJSON(dir, name, &c); err != nil {
		return nil, err
	} else if !found {
		return nil, fmt.Errorf("%s is missing", name)
	}
	for _, s := range []*string{c.Input, c.Output} {
		if s != nil && *s != "sentence_embedding" {
			return nil, fmt.Errorf("%s: a layer of %q is not supported", name, *s)
		}
	}
	if c.In < 1 || c.Out < 1 || c.In > 1<<16 || c.Out > 1<<16 {
		return nil, fmt.Errorf("%s: a layer of %d to %d numbers", name, c.In, c.Out)
	}
	activate, known := activations[c.Activation[strings.LastIndexByte(c.Activation, '.')+1:]]
	if !known {
		return nil, fmt.Errorf("%s: the activation %q is not supported", name, c.Activation)
	}
	file := path.Join(folder, "model.safetensors")
	tensors, err := readTensors(dir, file)
	if err != nil {
		return nil, err
	}
	d := &dense{in: c.In, out: c.Out, activate: activate}
	if d.weight, err = tensorOf(tensors, file, "linear.weight", c.Out, c.In); err != nil {
		return nil, err
	}
	if c.Bias == nil || *c.Bias {
		d.bias, err = tensorOf(tensors, file, "linear.bias", c.Out)
	}
	return d, err
}

// tensorOf is a tensor of a shape.
func tensorOf(tensors map[string]tensor, file, name string, shape ...int) ([]float32, error) {
	t, ok := tensors[name]
	if !ok {
		return nil, fmt.Errorf("%s: %s is missing", file, name)
	}
	if fmt.Sprint(t.shape) != fmt.Sprint(shape) {
		return nil, fmt.Errorf("%s: %s has the shape %v, want %v", file, name, t.shape, shape)
	}
	return t.values, nil
}

// layerNorm takes the mean off, divides by the deviation, and scales.
type layerNorm struct{ weight, bias []float32 }

func (l *layerNorm) width(in int) (int, error) {
	if in != len(l.weight) {
		return 0, fmt.Errorf("a LayerNorm step takes %d numbers, there are %d", len(l.weight), in)
	}
	return in, nil
}

func (l *layerNorm) apply(_, v []float32) []float32 {
	var mean, variance float64
	for _, x := range v {
		mean += float64(x)
	}
	mean /= float64(len(v))
	for _, x := range v {
		variance += (float64(x) - mean) * (float64(x) - mean)
	}
	by := 1 / math.Sqrt(variance/float64(len(v))+1e-5) // PyTorch's epsilon
	for i, x := range v {
		v[i] = float32((float64(x)-mean)*by)*l.weight[i] + l.bias[i]
	}
	return v
}

func readLayerNorm(dir, folder string) (*layerNorm, error) {
	name := path.Join(folder, "config.json")
	var c struct {
		Dimension int `json:"dimension"`
	}
	if found, err := readJSON(dir, name, &c); err != nil {
		return nil, err
	} else if !found {
		return nil, fmt.Errorf("%s is missing", name)
	}
	file := path.Join(folder, "model.safetensors")
	tensors, err := readTensors(dir, file)
	if err != nil {
		return nil, err
	}
	l := new(layerNorm)
	if l.weight, err = tensorOf(tensors, file, "norm.weight", c.Dimension); err == nil {
		l.bias, err = tensorOf(tensors, file, "norm.bias", c.Dimension)
	}
	return l, err
}
