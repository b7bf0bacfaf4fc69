package text

import (
	"fmt"
	"strings"
)

// Precision is which numbers a model computes with. Only ParsePrecision makes one.
type Precision string

// The precisions. Vectors are of float32 in all of them.
const (
	Float32  Precision = "float32" // as the graph is written: of an int8 graph it is int8
	BFloat16 Precision = "bfloat16"
	Float16  Precision = "float16"
)

// precisions are the spellings of torch, of transformers and of people. auto is the precision that the model's file has.
var precisions = map[string]Precision{
	"float32": Float32, "float": Float32, "fp32": Float32, "auto": Float32,
	"bfloat16": BFloat16, "bf16": BFloat16,
	"float16": Float16, "half": Float16, "fp16": Float16,
}

// ParsePrecision reads a precision as torch_dtype spells it, such as bfloat16 or torch.bfloat16. The error says what is wanted; it is for a client.
func ParsePrecision(s string) (Precision, error) {
	if p, ok := precisions[strings.TrimPrefix(s, "torch.")]; ok {
		return p, nil
	}
	return "", reason(fmt.Sprintf("is %.60q, want float32, bfloat16, float16 or auto", s))
}

// PrecisionError is a precision that a model cannot be computed with where it is to run.
type PrecisionError struct {
	Precision Precision
	Device    Device
	Missing   string // what it would take
}

func (e *PrecisionError) Error() string {
	return fmt.Sprintf("%s is not to be had on %s: %s", e.Precision, e.Device, e.Missing)
}
