package text

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pgowl/pgowl/models/text/onnxgraph"
	"github.com/pgowl/pgowl/models/text/safetensors"
	"github.com/pgowl/pgowl/models/text/scratch"
)

// weightFolders is what the names of folders begin with that hold the graph of a model that came without one, while it is loaded.
const weightFolders = "pgowl-graph-"

// graphFile is where the model's graph is, or one that has been written for its weights where it has no usual graph.
type graphFile struct {
	path  string
	halve bool   // it has to be made float16
	from  string // the file that tells one model from another: the graph's, or that of the weights
	done  func() // called when the graph has been loaded
}

// graphFile finds the model's graph.
func (e *Embedder) graphFile(dir string) (graphFile, error) {
	switch path := findGraph(dir, e.graphs); {
	case path != "":
		return graphFile{path, e.variant.Precision == Float16 && path == findGraph(dir, graphFiles), path, func() {}}, nil
	case e.variant.Precision == Float16 && e.gpu == nil:
		return graphFile{}, &PrecisionError{Float16, e.variant.Device, "the model has no " + e.graphs[0] + "; where the hub has one, get it with: pgowl models pull NAME:model_fp16.onnx"}
	case e.variant.Graph != "": // weights stand for the usual graph alone
		return graphFile{}, fmt.Errorf("%s is missing", e.graphs[0])
	}
	path, done, err := writeGraph(dir)
	from := findGraph(dir, []string{safetensors.File, safetensors.Index})
	return graphFile{path, e.variant.Precision == Float16, from, done}, err
}

// writeGraph writes the graph of a model that has only weights into a folder of the system for temporary files. done removes that folder; runtimes keep what they have
// mapped of it. Weights in a file beside the graph are not copied to be parsed: loading MiniLM (90 MB) takes 70 MB at its peak this way, 160 to 180 from an export with
// the weights inside, and 260 from such an export in memory. ONNX Runtime would map the safetensors themselves, but follows no path or link out of the graph's folder, which may
// not be written to, and a file that somebody overwrites while it is mapped ends the process.
func writeGraph(dir string) (path string, done func(), err error) {
	m, err := openWeights(dir)
	if err != nil {
		return "", nil, missingGraph(err)
	}
	defer m.Close()
	var failed []error
	for _, parent := range []string{os.TempDir(), "/dev/shm"} { // with a read-only root there may be the second alone
		folder, done, err := scratch.Folder(parent, weightFolders)
		if err == nil {
			if path, err = m.Write(folder); err == nil {
				return path, done, nil
			}
			done()
		}
		var place *fs.PathError
		if !errors.As(err, &place) { // the weights are to blame
			return "", nil, err
		}
		failed = append(failed, place.Err) // where that is is nobody's business
	}
	return "", nil, fmt.Errorf("there is no place for the graph of %d bytes that its weights need while it is loaded (TMPDIR names the folder): %w", m.Size(), errors.Join(failed...))
}

// missingGraph is the error of openWeights for a model that has no usual graph.
func missingGraph(err error) error {
	if errors.Is(err, onnxgraph.ErrNoWeights) {
		return fmt.Errorf("%s is missing, and %w", graphFiles[0], err)
	}
	return err
}

// openWeights reads the settings and names of a model's weights.
func openWeights(dir string) (*onnxgraph.Model, error) {
	config, err := readFile(dir, "config.json")
	if err != nil {
		return nil, err
	}
	// A model that sentence-transformers has steps for gives them the tokens' vectors, unless it is a cross-encoder of its version 6, whose one step is the transformer with its head.
	_, err = os.Stat(filepath.Join(dir, "modules.json"))
	steps := err == nil
	if steps {
		var whole sentenceTransformers
		if _, err := readJSON(dir, sentenceTransformersFile, &whole); err != nil {
			return nil, err
		}
		steps = whole.Kind != "CrossEncoder"
	}
	return onnxgraph.Open(dir, config, steps)
}

// weightsSize is how many bytes the weights of a model have in memory that has no graph; 0 for one that cannot be loaded.
func weightsSize(dir string) int64 {
	m, err := openWeights(dir)
	if err != nil {
		return 0
	}
	defer m.Close()
	return m.Size()
}
