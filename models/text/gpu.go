package text

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/pgowl/pgowl/models/text/onnxhalf"
)

// gpu is a graphics card on which ONNX Runtime has run something. Batches take turns on it that have nothing to do with those on the processors.
type gpu struct {
	id    int
	slots chan struct{} // a token for each batch that is made ready, runs or is pooled
	// runs is held by the one that runs: two at a time would take twice the memory and be no faster, as one fills the card.
	runs    sync.Mutex
	waiting atomic.Int64
	models  atomic.Int64
	ran     atomic.Int64                                    // nanoseconds that batches have run
	add     func(options *ort.SessionOptions, id int) error // appendCUDA, but in tests
}

const (
	// gpuWorkers is one batch that runs and one that is made ready or pooled meanwhile, so that the card need not wait.
	gpuWorkers = 2
	// gpuBudget is the number of tokens of a batch: small models need that many to fill a card.
	gpuBudget = 16 << 10
	// gpuRunCost is what starting a model's kernels, some hundred of 5 µs, is worth in tokens of padding. An estimate.
	gpuRunCost = 1 << 10
)

func newGPU(id int) *gpu {
	return &gpu{id: id, slots: make(chan struct{}, gpuWorkers), add: appendCUDA}
}

var _ turns = (*gpu)(nil)

// take implements turns. Nobody is hasty here: a batch takes milliseconds.
func (g *gpu) take(bool) {
	g.waiting.Add(1)
	defer g.waiting.Add(-1)
	g.slots <- struct{}{}
}

func (g *gpu) free(bool)   { <-g.slots }
func (g *gpu) large(int)   {}
func (g *gpu) enter() bool { return false }
func (g *gpu) leave()      {}
func (g *gpu) busy() bool  { return false }

// queue makes a queue for a model on the card, but for what runs its batches. A budget of 0 is the card's.
func (g *gpu) queue(budget int) *queue {
	if budget <= 0 {
		budget = gpuBudget
	}
	return &queue{cores: gpuWorkers, budget: budget, least: budget, cost: gpuRunCost, turn: g}
}

// onCardAs is how a graph is loaded onto a card.
type onCardAs struct {
	halve bool // in float16, which it is not yet
	pool  bool // with a pooling behind it, if that can be had
}

// load loads a graph onto the card; pools says whether it has a pooling behind it. An *onnxhalf.Error is one that cannot be made float16.
func (g *gpu) load(graph graphOf, as onCardAs, options *ort.SessionOptions) (loaded *onGPU, pools bool, err error) {
	if err := usual(options); err != nil {
		return nil, false, err
	}
	if err := g.add(options, g.id); err != nil {
		return nil, false, err
	}
	output := *graph.output
	var model []byte // where it is not the file
	if as.halve || as.pool {
		if model, err = readGraph(graph.file); err != nil && as.halve {
			return nil, false, err
		}
		as.pool = as.pool && err == nil
	}
	if as.halve {
		beside := weightFiles{dir: filepath.Dir(graph.file)}
		model, err = onnxhalf.Convert(model, beside.open)
		beside.close()
		if err != nil {
			return nil, false, err
		}
		output.DataType = ort.TensorElementDataTypeFloat16
	}
	if as.pool {
		session, err := ort.NewDynamicAdvancedSessionWithONNXData(append(model, poolingTail(&output)...), append(slices.Clone(graph.inputs), tailWeights), []string{tailOutput}, options)
		if err == nil {
			g.models.Add(1)
			return &onGPU{&onnx{session: session}, g}, true, nil
		}
		// As it is, it may well load; if not, that error is the one to tell.
	}
	plain := &onnx{half: output.DataType == ort.TensorElementDataTypeFloat16}
	if as.halve {
		plain.session, err = ort.NewDynamicAdvancedSessionWithONNXData(model, graph.inputs, []string{output.Name}, options)
	} else {
		plain.session, err = ort.NewDynamicAdvancedSession(graph.file, graph.inputs, []string{output.Name}, options)
	}
	if err != nil {
		return nil, false, err
	}
	g.models.Add(1)
	return &onGPU{plain, g}, false, nil
}

// weightFiles are the files with weights beside a graph, which onnxcheck has seen to be there and nowhere else.
type weightFiles struct {
	dir   string
	files map[string]*os.File
}

func (w *weightFiles) open(location string) (io.ReaderAt, error) {
	if f := w.files[location]; f != nil {
		return f, nil
	}
	if !filepath.IsLocal(filepath.FromSlash(location)) {
		return nil, fmt.Errorf("weights at %.120q", location)
	}
	f, err := os.Open(filepath.Join(w.dir, filepath.FromSlash(location)))
	if err != nil {
		return nil, fmt.Errorf("weights at %.120q: %w", location, errors.Unwrap(err))
	}
	if w.files == nil {
		w.files = map[string]*os.File{}
	}
	w.files[location] = f
	return f, nil
}

func (w *weightFiles) close() {
	for _, f := range w.files {
		f.Close()
	}
}

// onGPU is a graph on a card.
//
// ONNX Runtime copies the inputs to the card and the output straight from there to where it is wanted, which IO binding would do as well: the binding that the Go package has takes
// tensors in the processor's memory only, and cannot be stopped.
type onGPU struct {
	graph *onnx
	gpu   *gpu
}

var _ engine = (*onGPU)(nil)

// run implements engine.
func (o *onGPU) run(ins [][]int64, rows, columns int, out []float32, shape []int64, stopped stopper) error {
	return o.pool(ins, nil, rows, columns, out, shape, stopped)
}

// pool is run for a graph with a pooling behind it.
func (o *onGPU) pool(ins [][]int64, weights []float32, rows, columns int, out []float32, shape []int64, stopped stopper) error {
	o.gpu.runs.Lock()
	defer o.gpu.runs.Unlock()
	start := time.Now()
	defer func() { o.gpu.ran.Add(int64(time.Since(start))) }()
	return o.graph.runWith(ins, weights, rows, columns, out, shape, stopped)
}

// outOfMemory tells whether a device had no memory for a run, by what ONNX Runtime says of its own allocations and of those of CUDA's libraries.
func outOfMemory(err error) bool {
	if err == nil {
		return false
	}
	text := err.Error()
	return slices.ContainsFunc([]string{"Failed to allocate memory", "out of memory", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED"}, func(what string) bool { return strings.Contains(text, what) })
}

func (o *onGPU) close() {
	o.gpu.models.Add(-1)
	o.graph.close()
}

// cudaOptions are the provider's, but for device_id. Memory grows by what is asked for, as doubling it would take the card from others; and float32 is float32, as torch has it,
// unless somebody asks for less.
var cudaOptions = map[string]string{
	"arena_extend_strategy":  "kSameAsRequested",
	"cudnn_conv_algo_search": "HEURISTIC",
	"use_tf32":               "0",
}

// appendCUDA makes sessions run on a card.
func appendCUDA(options *ort.SessionOptions, id int) error {
	cuda, err := ort.NewCUDAProviderOptions()
	if err != nil {
		return err
	}
	defer cuda.Destroy()
	all := map[string]string{"device_id": fmt.Sprint(id)}
	for k, v := range cudaOptions {
		all[k] = v
	}
	if err := cuda.Update(all); err != nil {
		return err
	}
	return options.AppendExecutionProviderCUDA(cuda)
}

// try multiplies a matrix on the card: what is missing shows there and then, and not with the first model. graph is probe.onnx.
func (g *gpu) try(graph []byte) error {
	options, err := ort.NewSessionOptions()
	if err != nil {
		return err
	}
	defer options.Destroy()
	if err := appendCUDA(options, g.id); err != nil {
		return err
	}
	session, err := ort.NewDynamicAdvancedSessionWithONNXData(graph, []string{"x"}, []string{"y"}, options)
	if err != nil {
		return err
	}
	defer session.Destroy()
	const n = 8
	x := make([]float32, n*n)
	for i := range x {
		x[i] = float32(i % 3)
	}
	in, err := ort.NewTensor(ort.NewShape(n, n), x)
	if err != nil {
		return err
	}
	defer in.Destroy()
	out, err := ort.NewEmptyTensor[float32](ort.NewShape(n, n))
	if err != nil {
		return err
	}
	defer out.Destroy()
	if err := session.Run([]ort.Value{in}, []ort.Value{out}); err != nil {
		return err
	}
	for i, got := range out.GetData() {
		want := float32(0)
		for k := range n {
			want += x[i/n*n+k] * x[k*n+i%n]
		}
		if got != want {
			return errors.New("it multiplies wrongly")
		}
	}
	return nil
}
