package text

import "strings"

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
