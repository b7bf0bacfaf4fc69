package text

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pgowl/pgowl/models/text/onnxcheck"
	"github.com/pgowl/pgowl/models/text/safetensors"
)

// Check tells by a *ModelError what keeps a model from being loaded. files are what it has, relative to its folder and with slashes; others that lie there do not count. It reads what Open reads,
// and of graphs and weights as much as that goes without ONNX Runtime: all that is wrong with a model but for what only ONNX Runtime knows. With a runtime, which may be nil, each of its graphs is opened as well, on the processors; those
// for GPUs alone are not.
func Check(dir, name string, files []string, runtime *Runtime) (err error) {
	e := &Embedder{name: name, runtime: runtime, variant: Variant{Device: CPU, Precision: Float32}}
	defer e.caught(&err)
	if err := e.check(dir, files); err != nil {
		var model *ModelError
		if errors.As(err, &model) { // of one of its variants
			err = model.Err
		}
		return &ModelError{Model: name, Err: err}
	}
	return nil
}

func (e *Embedder) check(dir string, files []string) error {
	if err := e.read(dir); err != nil {
		return err
	}
	if err := allThere(dir, files); err != nil {
		return err
	}
	var variants []Variant // to be opened
	usual := slices.IndexFunc(graphFiles, func(name string) bool { return slices.Contains(files, name) })
	for _, name := range files {
		if path.Ext(name) != ".onnx" {
			continue
		}
		if _, err := onnxcheck.File(filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		switch {
		case slices.Contains(halfFiles, name):
			variants = append(variants, Variant{Precision: Float16})
		case !slices.Contains(cardFiles, name):
			variants = append(variants, Variant{Graph: name})
		}
	}
	switch {
	case usual >= 0:
		variants = append(variants, Variant{})
	case hasWeights(files) || !slices.ContainsFunc(files, func(name string) bool { return path.Ext(name) == ".onnx" }):
		m, err := openWeights(dir)
		if err != nil {
			return missingGraph(err)
		}
		m.Close()
		variants = append(variants, Variant{})
	}
	if e.runtime == nil {
		return nil
	}
	for _, v := range variants {
		opened, err := Open(dir, Options{Runtime: e.runtime, Name: e.name, Variant: v})
		if err != nil {
			return err
		}
		opened.Close()
	}
	return nil
}

func hasWeights(files []string) bool {
	return slices.Contains(files, safetensors.File) || slices.Contains(files, safetensors.Index)
}

// allThere looks whether a model has the files that its own files name.
func allThere(dir string, files []string) error {
	var modules []struct {
		Type string `json:"type"`
		Path string `json:"path"`
	}
	if _, err := readJSON(dir, "modules.json", &modules); err != nil {
		return err
	}
	var named []string
	for _, m := range modules {
		if m.Path != "" && !strings.HasSuffix(m.Type, ".Transformer") && !strings.HasSuffix(m.Type, ".Normalize") && !strings.HasSuffix(m.Type, ".Dropout") {
			named = append(named, path.Join(m.Path, "config.json"))
		}
	}
	if slices.Contains(files, safetensors.Index) && !slices.Contains(files, safetensors.File) {
		data, err := readUpTo(dir, safetensors.Index, maxConfig)
		if err != nil {
			return err
		}
		shards, err := safetensors.Shards(data)
		if err != nil {
			return err
		}
		named = append(named, shards...)
	}
	for _, name := range named {
		if !slices.Contains(files, name) {
			return fmt.Errorf("%s is missing, or not where such files are", name)
		}
	}
	return nil
}
