package text

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseDevice(t *testing.T) {
	for in, want := range map[string]Device{"auto": Auto, "cpu": CPU, "cpu:0": CPU, "cuda": "cuda:0", "cuda:0": "cuda:0", "cuda:07": "cuda:7", "cuda:255": "cuda:255"} {
		if got, err := ParseDevice(in); err != nil || got != want {
			t.Errorf("%s: %q, want %q (%v)", in, got, want, err)
		}
	}
	for _, in := range []string{"", "CPU", "gpu", "cpu:1", "cuda:", "cuda:-1", "cuda:256", "cuda:1:2", "auto:0", "cuda 0", "cuda:99999999999999999999"} {
		_, err := ParseDevice(in)
		if _, bad := err.(reason); !bad {
			t.Errorf("%q: %v", in, err)
		}
	}
	for _, in := range []string{"mps", "mps:0", "xpu", "hpu:1"} {
		_, err := ParseDevice(in)
		if _, other := err.(unsupported); !other || !strings.Contains(err.Error(), in) {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestParsePrecision(t *testing.T) {
	for in, want := range map[string]Precision{"float32": Float32, "torch.float32": Float32, "auto": Float32, "bf16": BFloat16, "torch.bfloat16": BFloat16, "half": Float16, "float16": Float16} {
		if got, err := ParsePrecision(in); err != nil || got != want {
			t.Errorf("%s: %q, want %q (%v)", in, got, want, err)
		}
	}
	for _, in := range []string{"", "int8", "torch.", "torch.torch.half", "float64"} {
		if got, err := ParsePrecision(in); err == nil {
			t.Errorf("%q: %q", in, got)
		}
	}
}

func TestVariantSuffix(t *testing.T) {
	for want, v := range map[string]Variant{
		"":                                 {},
		" (bfloat16)":                      {Precision: BFloat16, Device: CPU},
		":model_O4.onnx":                   {Graph: "model_O4.onnx", Device: CPU, Precision: Float32},
		":model_O4.onnx (float16, cuda:1)": {Graph: "model_O4.onnx", Device: "cuda:1", Precision: Float16},
	} {
		if got := v.suffix(); got != want {
			t.Errorf("%+v: %q, want %q", v, got, want)
		}
	}
}

// What comes to the same is loaded once, whoever has said it, and what differs has vectors of its own in the cache.
func TestStoreVariants(t *testing.T) {
	dir := t.TempDir()
	tiny().write(t, filepath.Join(dir, "one"))
	s := NewStore(StoreOptions{Dir: dir, Library: library(t), CacheBytes: 1 << 20, Device: CPU})
	defer s.Close()
	var first *Embedder
	for _, v := range []Variant{{}, {Device: CPU}, {Precision: Float32}, {Graph: "model.onnx", Device: CPU, Precision: Float32}} {
		e, err := s.embedder(t.Context(), "one", v)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = e
		}
		if e != first {
			t.Errorf("%+v is loaded again", v)
		}
	}
	if key := (modelKey{Variant: Variant{Precision: BFloat16, Device: CPU}}); key.String() == (modelKey{Variant: Variant{Device: CPU, Precision: Float32}}).String() {
		t.Errorf("two precisions under one name %q", key)
	}
	bf16 := NewStore(StoreOptions{Dir: dir, Library: library(t), Device: CPU, Precision: BFloat16})
	defer bf16.Close()
	_, err := bf16.Embed(t.Context(), "one", []string{"x"}, EmbedOptions{})
	var missing *LibraryError
	if !errors.As(err, &missing) || missing.Name != OpenVINO || !strings.Contains(fmt.Sprint(err), "bfloat16") || !strings.Contains(err.Error(), "PGOWL_OPENVINO") {
		t.Error(err)
	}
	if _, err := bf16.Embed(t.Context(), "one", []string{"x"}, EmbedOptions{Variant: Variant{Precision: Float32}}); err != nil {
		t.Error(err)
	}
}
