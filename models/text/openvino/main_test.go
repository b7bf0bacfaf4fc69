package openvino

import (
	"os"
	"path/filepath"
	"testing"
)

// library is OpenVINO; without it the test is skipped.
func library(t testing.TB) *Library {
	t.Helper()
	path := os.Getenv("PGOWL_OPENVINO")
	if path == "" {
		t.Skip("OpenVINO is not installed: run make setup-tests, and PGOWL_OPENVINO")
	}
	l, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func miniLM(t testing.TB) string {
	t.Helper()
	path := filepath.Join(os.Getenv("PGOWL_MODELS"), "all-MiniLM-L6-v2", "onnx", "model.onnx")
	if _, err := os.Stat(path); err != nil {
		t.Skip("all-MiniLM-L6-v2 is not in the model folder")
	}
	return path
}
