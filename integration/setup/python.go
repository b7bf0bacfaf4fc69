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

func referenceFolder(c conf.Config) string { return filepath.Join(c.Data, "references") }

// referencePython is the interpreter that has them.
func referencePython(c conf.Config) string {
	return filepath.Join(referenceFolder(c), "python", "bin", "python")
}

// installReferences makes a Python environment of them. A file that lists them is written last and says that it is there.
func installReferences(ctx context.Context, dir string) error {
	stamp := filepath.Join(dir, "installed")
	want := strings.Join(references, "\n") + "\n"
	if got, err := os.ReadFile(stamp); err == nil && string(got) == want {
		return nil
	}
	say("fetching %s into %s", strings.Join(references, ", "), dir)
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := newPython(ctx, filepath.Join(dir, "python"), references); err != nil {
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
