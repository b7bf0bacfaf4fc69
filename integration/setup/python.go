package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/pgowl/pgowl/conf"
)

// references are the libraries that the benchmarks and integration/fidelity compare the training engines, the tokenizers and searches with. The versions are fixed, so that figures
// taken at different times can be compared.
var references = []string{"numpy==2.4.6", "scikit-learn==1.9.1", "xgboost==3.2.0", "lightgbm==4.7.0", "catboost==1.2.10", "tokenizers==0.23.3", "faiss-cpu==1.15.1"}

// embedders are the libraries that the benchmarks compare embeddings with, and torches those that bring PyTorch, which takes 6 GB.
var (
	embedders = []string{"numpy==2.4.6", "onnxruntime==1.32.0", "openvino==2026.4.1", "fastembed==0.9.1", "tokenizers==0.23.3"}
	torches   = []string{"numpy==2.4.6", "torch==2.15.0", "sentence-transformers==6.2.0"}
)

func referenceFolder(c conf.Config) string { return filepath.Join(c.Data, "references") }

// What the part embed of the benchmarks needs: the libraries of both kinds (and formFolder).
func embedderFolder(c conf.Config) string { return filepath.Join(c.Data, "embedders") }
func torchFolder(c conf.Config) string    { return filepath.Join(c.Data, "torch") }

// installEmbedders brings what the part embed of the benchmarks compares with. A Python that the environment names is taken as it is.
func installEmbedders(ctx context.Context, c conf.Config) error {
	if os.Getenv("PGOWL_BENCH_EMBEDDERS") == "" {
		if err := installEnvironment(ctx, embedderFolder(c), embedders); err != nil {
			return err
		}
	}
	if os.Getenv("PGOWL_BENCH_TORCH") == "" {
		if err := installEnvironment(ctx, torchFolder(c), torches); err != nil {
			return err
		}
	}
	return installForms(ctx, formFolder(c))
}

// pythonIn is the interpreter of an environment that installEnvironment has made.
func pythonIn(dir string) string { return filepath.Join(dir, "python", "bin", "python") }

// installEnvironment makes a Python environment with packages. A file that lists them is written last and says that it is there.
func installEnvironment(ctx context.Context, dir string, packages []string) error {
	stamp := filepath.Join(dir, "installed")
	want := strings.Join(packages, "\n") + "\n"
	if got, err := os.ReadFile(stamp); err == nil && string(got) == want {
		return nil
	}
	say("fetching %s into %s", strings.Join(packages, ", "), dir)
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := newPython(ctx, filepath.Join(dir, "python"), packages); err != nil {
		return err
	}
	return os.WriteFile(stamp, []byte(want), 0o644)
}

// newPython makes an environment with packages.
func newPython(ctx context.Context, dir string, packages []string) error {
	if err := command(ctx, nil, "python3", "-m", "venv", dir); err != nil {
		return err
	}
	pip := append([]string{"-m", "pip", "install", "-q", "--disable-pip-version-check"}, packages...)
	return command(ctx, nil, filepath.Join(dir, "bin", "python"), pip...)
}
