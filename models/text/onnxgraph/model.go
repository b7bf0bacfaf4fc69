package onnxgraph

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pgowl/pgowl/models/text/safetensors"
)

// Model is a graph that is ready to be written. It is for one goroutine.
type Model struct {
	builder
	inputs []string
	output message
	folder *safetensors.Folder
}

// ErrNoWeights says that a folder has no weights that are ever read.
var ErrNoWeights = errors.New("it has no model.safetensors")

// pickles are names of weights that are programs.
var pickles = []string{"pytorch_model.bin", "pytorch_model.bin.index.json"}

// Open reads what the weights in a model's folder are called and builds the graph by the folder's config.json, which the caller has read; Close gives the files
// back. A classifier's graph gives scores, unless steps says that sentence-transformers' steps follow: they take the tokens' vectors, whatever the weights were trained as. Where there are no safetensors the error is ErrNoWeights; it says what to do where there is a pickle.
func Open(dir string, configJSON []byte, steps bool) (*Model, error) {
	folder, err := safetensors.Open(dir)
	if errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(err.Error(), safetensors.Index) {
		for _, name := range pickles {
			if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
				return nil, fmt.Errorf("%w, and %s is a pickle, which is a program and never loaded: save the model as safetensors "+
					"(save_pretrained of transformers does) or as onnx/model.onnx", ErrNoWeights, name)
			}
		}
		return nil, ErrNoWeights
	}
	if err != nil {
		return nil, err
	}
	m, err := build(configJSON, folder.Tensors, steps)
	if err != nil {
		folder.Close()
		return nil, err
	}
	m.folder = folder
	return m, nil
}

// Close closes the model's files.
func (m *Model) Close() error { return m.folder.Close() }

// Size is how many bytes the weights have when they are written.
func (m *Model) Size() int64 { return m.size }

// build makes the graph.
func build(configJSON []byte, tensors map[string]*safetensors.Tensor, steps bool) (*Model, error) {
	c, err := parseConfig(configJSON)
	if err != nil {
		return nil, err
	}
	if steps {
		c.classifier = false
	}
	m := &Model{builder: builder{tensors: tensors, used: map[string]bool{}, known: map[string]bool{}}}
	if m.prefix, err = findPrefix(tensors); err != nil {
		return nil, err
	}
	m.inputs = []string{inputIDs, inputMask}
	if c.types > 1 {
		m.inputs = append(m.inputs, inputTypes)
	}
	m.output = value(outputTokens, typeFloat, "batch", "sequence", c.hidden)
	x := m.encoder(c)
	if c.classifier {
		labels := m.labels(c)
		m.classify(c, x, labels)
		m.output = value(outputScores, typeFloat, "batch", labels)
	}
	if m.err == nil {
		m.err = m.leftovers()
	}
	if m.err != nil {
		return nil, m.err
	}
	return m, nil
}

// labels is how many the head has. The weights say it: config.json counts only where it names them, and is compared by who opens the graph.
func (b *builder) labels(c *config) int {
	name := b.outside(c) + c.head.output + ".weight"
	t := b.tensors[name]
	switch {
	case t == nil:
		b.fail("the weights have no %s", name)
	case len(t.Shape) != 2 || t.Shape[0] < 1 || t.Shape[0] > 1<<16:
		b.fail("%s has the shape %v", name, t.Shape[:min(len(t.Shape), 8)])
	default:
		return t.Shape[0]
	}
	return 1
}

// words is how the name of the first array of every encoder ends.
const words = "embeddings.word_embeddings.weight"

// findPrefix is what the encoder's names begin with: nothing, "bert.", "0.auto_model." ...
func findPrefix(tensors map[string]*safetensors.Tensor) (string, error) {
	var found []string
	for name := range tensors {
		if prefix, ok := strings.CutSuffix(name, words); ok && (prefix == "" || prefix[len(prefix)-1] == '.') {
			found = append(found, prefix)
		}
	}
	switch slices.Sort(found); len(found) {
	case 1:
		if len(found[0]) > 100 {
			return "", fmt.Errorf("the weights have names that begin with %d letters", len(found[0]))
		}
		return found[0], nil
	case 0:
		return "", errors.New("the weights have no " + words)
	}
	return "", fmt.Errorf("the weights are of %d models, such as %.40q and %.40q", len(found), found[0], found[1])
}

// outside is what the names of a head begin with.
func (b *builder) outside(c *config) string { return strings.TrimSuffix(b.prefix, c.base+".") }

// leftovers finds numbers of the encoder that the graph has no place for: it would be another model without them.
func (b *builder) leftovers() error {
	var extra []string
	for name, t := range b.tensors {
		rest, inside := strings.CutPrefix(name, b.prefix)
		if !inside || b.used[name] || !t.Floats() {
			continue
		}
		for _, part := range []string{"embeddings.", "embeddings_project.", "encoder.", "transformer."} {
			if strings.HasPrefix(rest, part) {
				extra = append(extra, name)
			}
		}
	}
	if len(extra) == 0 {
		return nil
	}
	slices.Sort(extra)
	return fmt.Errorf("the weights have %d arrays that config.json does not account for, such as %.120q", len(extra), extra[0])
}
