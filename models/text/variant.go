package text

// Variant is which of a model's graphs runs, where, and with which numbers. The zero value is the usual graph in float32 wherever the store's models run. A
// Store keeps each variant as a model of its own.
type Variant struct {
	Graph string // the file (names.GraphPaths), such as model_qint8_avx512.onnx; empty: the usual one
}
