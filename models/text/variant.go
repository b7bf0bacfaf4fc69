package text

import (
	"slices"
	"strings"

	"github.com/pgowl/pgowl/models/text/names"
)

// Variant is which of a model's graphs runs, where, and with which numbers. The zero value is the usual graph as the settings of the store say. A Store keeps each variant as a
// model of its own.
type Variant struct {
	Graph     string    // the file (names.GraphPaths), such as model_qint8_avx512.onnx; empty: the usual one
	Device    Device    // empty: the store's
	Precision Precision // empty: the store's
}

// suffix is what errors and logs put behind a model's name: nothing for the usual graph in float32 on the processors.
func (v Variant) suffix() string {
	var b strings.Builder
	if v.Graph != "" {
		b.WriteString(":" + v.Graph)
	}
	var how []string
	if v.Precision != "" && v.Precision != Float32 {
		how = append(how, string(v.Precision))
	}
	if v.Device != "" && v.Device != CPU {
		how = append(how, string(v.Device))
	}
	if len(how) > 0 {
		b.WriteString(" (" + strings.Join(how, ", ") + ")")
	}
	return b.String()
}

// halfFiles are where exports in float16 are, by the name that Transformers.js has made usual; on a card sentence-transformers' own do as well, which are for GPUs alone, and the usual graph, which is converted.
var (
	halfFiles = []string{"onnx/model_fp16.onnx", "model_fp16.onnx"}
	cardFiles = slices.Concat(halfFiles, []string{"onnx/model_O4.onnx", "model_O4.onnx"}, graphFiles)
)

// files are where the variant's graph may be, the first one counting; nil for a name that is none.
func (v Variant) files() []string {
	switch {
	case v.Graph != "":
		return names.GraphPaths(v.Graph)
	case v.Precision == Float16 && v.Device != CPU:
		return cardFiles
	case v.Precision == Float16:
		return halfFiles
	}
	return graphFiles
}

// possible tells what stands against a variant, whatever the model.
func (v Variant) possible() error {
	_, gpu := v.Device.gpu()
	switch {
	case v.Precision == BFloat16 && gpu:
		return &PrecisionError{v.Precision, v.Device, "ONNX Runtime has no kernels for it; float16 is as fast"}
	case v.Precision == Float16 && v.Graph != "":
		return &PrecisionError{v.Precision, v.Device, "model_kwargs.file_name says which graph runs, and its numbers are its own"}
	}
	return nil
}
