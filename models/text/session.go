package text

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/pgowl/pgowl/models/text/onnxcheck"
	"github.com/pgowl/pgowl/models/text/onnxhalf"
)

// session is a model's graph, ready to run. It is safe for use by several goroutines.
type session struct {
	engine engine
	alone  *alone // nil: there is no copy
	graph  graphOf
	inputs []input // in the order of the graph
	width  int     // of a token's vector, or the number of scores of a text
	scores bool    // it gives scores for each text (a classifier, a cross-encoder), in place of a vector for each token
	ways   int     // of pooling that are part of the graph; 0: it gives a vector for each token
}

// input is what one of the graph's inputs takes.
type input int

const (
	inputIDs input = iota
	inputMask
	inputTypes
)

var inputNames = map[string]input{"input_ids": inputIDs, "attention_mask": inputMask, "token_type_ids": inputTypes}

// graphFiles are where a model's graph may be, the first one counting.
var graphFiles = []string{"onnx/model.onnx", "model.onnx"}

// findGraph is the first of the files that is there, "" if none is.
func findGraph(dir string, files []string) string {
	for _, name := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path
		}
	}
	return ""
}

// openSession loads the model's graph: the first of its files that is there.
func (e *Embedder) openSession(dir string) (*session, error) {
	found, err := e.graphFile(dir)
	if err != nil {
		return nil, err
	}
	defer found.done()
	file := found.path
	checked, err := onnxcheck.File(file)
	if err != nil { // before ONNX Runtime sees it
		return nil, fmt.Errorf("%s: %w", filepath.Base(file), err)
	}
	options, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	defer options.Destroy()
	// The first look at the graph is for its names alone: optimising it would double the time to load.
	if err := options.SetGraphOptimizationLevel(ort.GraphOptimizationLevelDisableAll); err != nil {
		return nil, err
	}
	if e.gpu == nil {
		// The processors' kernel that adds and norms at once takes a tenth of a run's time more than the two that it replaces (MiniLM).
		if err := options.AddSessionConfigEntry("optimization.disable_specified_optimizers", "SkipLayerNormFusion"); err != nil {
			return nil, err
		}
	}
	ins, outs, err := ort.GetInputOutputInfoWithOptions(file, options)
	if err != nil {
		return nil, graphError(file, err)
	}
	graph := new(session)
	var names []string
	for _, in := range ins {
		kind, ok := inputNames[in.Name]
		if !ok || in.DataType != ort.TensorElementDataTypeInt64 {
			return nil, fmt.Errorf("%s: an input %q of %s is not supported", filepath.Base(file), in.Name, in.DataType)
		}
		names = append(names, in.Name)
		graph.inputs = append(graph.inputs, kind)
	}
	if !slices.Contains(graph.inputs, inputIDs) {
		return nil, fmt.Errorf("%s: the graph has no input input_ids", filepath.Base(file))
	}
	output := logits(outs)
	if graph.scores = output != nil; !graph.scores {
		if output, err = tokenVectors(outs); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
	}
	if graph.width, err = outputWidth(output, e.settings); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(file), err)
	}
	graph.graph = graphOf{file, found.from, names, output}
	if e.gpu != nil {
		graph.engine, graph.ways, err = e.loadOnGPU(graph.graph, onCardAs{halve: found.halve, pool: !graph.scores}, checked, options)
	} else {
		graph.engine, err = e.engineFor(graph, options)
	}
	if err != nil {
		return nil, graphError(file, err)
	}
	graph.alone = e.openAlone(dir, graph, options)
	return graph, nil
}

// loadOnGPU loads a graph onto the model's card, and tells how many ways of pooling it has.
func (e *Embedder) loadOnGPU(graph graphOf, as onCardAs, checked onnxcheck.Info, options *ort.SessionOptions) (engine, int, error) {
	if len(checked.Files) > 0 { // which a graph in memory does not find by itself
		if err := options.AddSessionConfigEntry("session.model_external_initializers_file_folder_path", filepath.Dir(graph.file)); err != nil {
			return nil, 0, err
		}
	}
	as.pool = as.pool && !slices.ContainsFunc(e.settings.pooling, func(p pooling) bool { return !p.linear() })
	loaded, pools, err := e.gpu.load(graph, as, options)
	var not *onnxhalf.Error
	switch {
	case errors.As(err, &not):
		return nil, 0, &PrecisionError{Float16, e.variant.Device, "the model has no " + halfFiles[0] + ", and of its graph " + not.Error()}
	case err != nil:
		return nil, 0, err
	case pools:
		return loaded, len(e.settings.pooling), nil
	}
	return loaded, 0, nil
}

// graphError names the file without its folder, which clients need not know; ONNX Runtime spells it out.
func graphError(file string, err error) error {
	var precision *PrecisionError
	var library *LibraryError
	if errors.As(err, &precision) || errors.As(err, &library) {
		return err
	}
	name := filepath.Base(file)
	return fmt.Errorf("%s: %s", name, strings.ReplaceAll(err.Error(), file, name))
}

// logits finds the output with scores for each text, [batch, labels]; nil if there is none.
func logits(outs []ort.InputOutputInfo) *ort.InputOutputInfo {
	for i := range outs {
		if out := &outs[i]; out.Name == "logits" && floats(out) && len(out.Dimensions) == 2 {
			return out
		}
	}
	return nil
}

// floats tells whether an output is of numbers that can be read.
func floats(out *ort.InputOutputInfo) bool {
	return out.DataType == ort.TensorElementDataTypeFloat || out.DataType == ort.TensorElementDataTypeFloat16
}

// outputWidth is the last dimension of the output, which config.json must know where the graph does not, and may not contradict.
func outputWidth(output *ort.InputOutputInfo, s *settings) (int, error) {
	width, what := s.hidden, "hidden_size"
	if len(output.Dimensions) == 2 {
		width, what = s.labels, "the number of labels"
	}
	if n := output.Dimensions[len(output.Dimensions)-1]; n > 0 {
		if width > 0 && int64(width) != n {
			return 0, fmt.Errorf("the output is %d wide, config.json says %d", n, width)
		}
		width = int(min(n, 1<<20))
	}
	if width <= 0 || width > 1<<16 {
		return 0, fmt.Errorf("%s is missing in config.json, or out of range", what)
	}
	return width, nil
}

// tokenVectors finds the output with a vector for each token: [batch, tokens, width].
func tokenVectors(outs []ort.InputOutputInfo) (*ort.InputOutputInfo, error) {
	var found *ort.InputOutputInfo
	for i := range outs {
		out := &outs[i]
		if !floats(out) || len(out.Dimensions) != 3 {
			continue
		}
		if out.Name == "last_hidden_state" || out.Name == "token_embeddings" {
			return out, nil
		}
		if found == nil {
			found = out
		}
	}
	if found == nil {
		return nil, errors.New("the graph has no output of float32 or float16 vectors for each token")
	}
	return found, nil
}

func (s *session) close() {
	s.engine.close()
	s.alone.close()
}

// buffers are the inputs and the output of a run, kept for the next one.
type buffers struct {
	ids, mask, types []int64
	out              []float32
	weights          []float32 // of the tokens, where the graph pools
	pooled, other    []float32 // a text's vector, and where a step puts the next one
}

// grow makes the buffers fit so many tokens, so many numbers that come out, and vectors of texts that are so wide at most.
func (b *buffers) grow(tokens, out, widest int) {
	if cap(b.ids) < tokens {
		b.ids, b.mask, b.types = make([]int64, tokens), make([]int64, tokens), make([]int64, tokens)
	}
	b.ids, b.mask, b.types = b.ids[:tokens], b.mask[:tokens], b.types[:tokens]
	if cap(b.out) < out {
		b.out = make([]float32, out)
	}
	b.out = b.out[:out]
	if len(b.pooled) != widest {
		b.pooled, b.other = make([]float32, widest), make([]float32, widest)
	}
}

// run fills b.out with the vectors of rows x columns tokens, or with the scores of the rows. alone says that no other run is under way.
func (s *session) run(b *buffers, rows, columns int, alone bool, stopped stopper) error {
	if alone {
		if ran, err := s.alone.run(s.inputsOf(b), rows, columns, b.out, s.shape(rows, columns), stopped); ran {
			return err
		}
	}
	return s.runRows(b, 0, rows, columns, stopped)
}

// runRows is run for rows from one to before another, by halves where the device has no memory for them together.
func (s *session) runRows(b *buffers, from, to, columns int, stopped stopper) error {
	rows := to - from
	shape := s.shape(rows, columns)
	each := volume(shape) / rows
	out := b.out[from*each : to*each]
	var ins [][]int64
	for _, in := range s.inputsOf(b) {
		ins = append(ins, in[from*columns:to*columns])
	}
	var err error
	if s.ways > 0 {
		err = s.engine.(*onGPU).pool(ins, b.weights[from*s.ways*columns:to*s.ways*columns], rows, columns, out, shape, stopped)
	} else {
		err = s.engine.run(ins, rows, columns, out, shape, stopped)
	}
	if rows == 1 || !outOfMemory(err) {
		return err
	}
	middle := from + rows/2
	if err := s.runRows(b, from, middle, columns, stopped); err != nil {
		return err
	}
	return s.runRows(b, middle, to, columns, stopped)
}

// inputsOf are the inputs in the order of the graph.
func (s *session) inputsOf(b *buffers) [][]int64 {
	ins := make([][]int64, 0, len(inputNames))
	for _, kind := range s.inputs {
		ins = append(ins, [...][]int64{inputIDs: b.ids, inputMask: b.mask, inputTypes: b.types}[kind])
	}
	return ins
}

// shape is that of the output.
func (s *session) shape(rows, columns int) []int64 {
	switch {
	case s.scores:
		return []int64{int64(rows), int64(s.width)}
	case s.ways > 0:
		return []int64{int64(rows), int64(s.ways), int64(s.width)}
	}
	return []int64{int64(rows), int64(columns), int64(s.width)}
}

func volume(shape []int64) int {
	n := 1
	for _, d := range shape {
		n *= int(d)
	}
	return n
}
