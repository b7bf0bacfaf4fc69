package names

import (
	"slices"
	"strings"
	"testing"
)

func TestGraphPaths(t *testing.T) {
	for name, want := range map[string][]string{
		"model_qint8.onnx":                      {"onnx/model_qint8.onnx", "model_qint8.onnx"},
		"onnx/model_O4.onnx":                    {"onnx/model_O4.onnx"},
		"":                                      nil,
		"model.bin":                             nil,
		"../model.onnx":                         nil,
		"onnx/../x.onnx":                        nil,
		"onnx/a/b.onnx":                         nil,
		"/x.onnx":                               nil,
		".onnx":                                 nil,
		"a\x00.onnx":                            nil,
		strings.Repeat("a", 200) + ".onnx":      nil,
		"onnx/" + strings.Repeat("/", 3) + "on": nil,
	} {
		if got := GraphPaths(name); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
