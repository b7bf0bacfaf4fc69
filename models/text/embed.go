package text

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/pgowl/pgowl/models/text/tokenize"
)

// Embedder is a loaded model. It is safe for use by several goroutines.
type Embedder struct {
	name       string
	cacheName  string  // by which the cache knows it
	variant    Variant // with a device and a precision
	runtime    *Runtime
	processors Processors
	backend    Backend  // of the processors' runtimes the one that has the graph
	gpu        *gpu     // nil: it runs on the processors
	graphs     []string // where the graph may be
	settings   *settings
	origin     origin
	version    string // of the source; empty: it is of the model folder
	tokenizer  *tokenize.Tokenizer
	maxTokens  int
	budget     int
	threads    int // as Options.Threads
	session    *session
	widths     []int // of a text's vector, behind each step
	width      int   // behind the last
	widest     int
	queue      *queue
	cache      *cache // nil: none
	buffers    sync.Pool

	running func() // for tests: called when a run of the model begins

	closing sync.RWMutex // held for reading during a call, so that Close waits
	closed  bool
}

// Options are how to open a model.
type Options struct {
	Runtime *Runtime // must be there
	// Processors says how it runs where it does not run on a GPU.
	Processors Processors
	// Name is what errors and the cache of vectors call the model; empty: the folder.
	Name string
	// Variant is of the model's graphs; where it says nothing it is the usual graph in float32 on the processors.
	Variant
	// TokenBudget is the largest number of tokens, padding included, in one run of the model; a single longer text is not split. It bounds
	// the memory of a run. 0: 512, on a GPU 16384.
	TokenBudget int
	// Threads is how many threads a run has at most that finds the processors idle, for which a model of float32 that is not large is held in memory once more. 0 or 1: one, as any other
	// run.
	Threads int
}

// defaultBudget is where MiniLM is the fastest on a CPU: 512 tokens give 270 headlines a core-second, 128 give 215 and 4096, whose
// intermediates no longer fit the caches, 180 (2 cores of an EPYC).
const defaultBudget = 512

// ErrClosed is the error of a call to a model that has been closed.
var ErrClosed = errors.New("the model has been closed")

// Open loads the model in a folder that is laid out like a sentence-transformers repository: config.json, tokenizer.json and
// onnx/model.onnx (or model.onnx) must be there, or model.safetensors of a kind that package onnxgraph knows; modules.json, 1_Pooling/config.json and the folders of further steps, sentence_bert_config.json, tokenizer_config.json and
// config_sentence_transformers.json count where they are. Only JSON, ONNX and safetensors are read. The error is a *ModelError, which may be of a *DeviceError or a
// *PrecisionError.
func Open(dir string, o Options) (opened *Embedder, err error) {
	e := &Embedder{name: o.Name, variant: o.Variant, runtime: o.Runtime, processors: o.Processors, budget: o.TokenBudget, threads: o.Threads}
	if e.variant.Device == "" {
		e.variant.Device = CPU
	}
	if e.variant.Precision == "" {
		e.variant.Precision = Float32
	}
	e.graphs = e.variant.files()
	if e.name == "" {
		e.name = dir
	}
	defer e.caught(&err)
	e.cacheName = e.name
	if e.graphs == nil {
		return nil, &ModelError{Model: e.name, Err: fmt.Errorf("%.120q names no graph", o.Graph)}
	}
	if err := e.open(dir); err != nil {
		return nil, &ModelError{Model: e.name, Err: err}
	}
	return e, nil
}

// caught makes a panic an error of the model: a model's files may cause one, and must not end the process.
func (e *Embedder) caught(err *error) {
	if p := recover(); p != nil {
		*err = &ModelError{Model: e.name, Err: fmt.Errorf("it panicked: %v", p)}
	}
}

func (e *Embedder) open(dir string) error {
	if e.runtime == nil {
		return errors.New("opened without a runtime")
	}
	err := e.variant.possible()
	if err != nil {
		return err
	}
	if err := e.read(dir); err != nil {
		return err
	}
	if id, ok := e.variant.Device.gpu(); ok {
		if e.gpu, err = e.runtime.gpu(id); err != nil {
			return err
		}
		e.queue = e.gpu.queue(e.budget)
	} else {
		e.queue = &queue{cores: e.runtime.cores(), budget: e.budget, turn: e.runtime}
		if e.budget <= 0 {
			e.queue.budget = defaultBudget
		}
	}
	e.queue.run = e.run
	if e.session, err = e.openSession(dir); err != nil {
		return err
	}
	err = e.measure()
	if err == nil && e.maxTokens*e.session.width > maxRun {
		err = fmt.Errorf("a text of %d tokens with %d numbers each is too large", e.maxTokens, e.session.width)
	}
	if err != nil {
		e.session.close()
	}
	return err
}

// read reads the files of the model that are neither graph nor weights.
func (e *Embedder) read(dir string) (err error) {
	if e.settings, err = readSettings(dir); err != nil {
		return err
	}
	e.origin = readOrigin(dir)
	data, err := readFile(dir, "tokenizer.json")
	if err != nil {
		return err
	}
	if e.tokenizer, err = tokenize.Parse(data); err != nil {
		return err
	}
	if n := e.settings.vocabulary; n > 0 && e.tokenizer.VocabSize() > n {
		return fmt.Errorf("tokenizer.json has ids up to %d, config.json has a vocabulary of %d", e.tokenizer.VocabSize()-1, n)
	}
	e.maxTokens = e.settings.maxTokens
	if e.maxTokens == 0 {
		e.maxTokens = e.tokenizer.MaxLength()
	}
	if e.maxTokens == 0 {
		e.maxTokens = 512 // what BERT was trained with
	}
	if e.maxTokens <= e.tokenizer.Specials() || e.maxTokens > 1<<16 {
		return fmt.Errorf("the length of %d tokens is out of range", e.maxTokens)
	}
	return nil
}

// maxRun is how many numbers the longest text may have on its way out of the model: 32,768 tokens of 8,192 numbers.
const maxRun = 1 << 28

// Close frees the model. It waits for the calls under way; later ones fail with ErrClosed. It may be called twice.
func (e *Embedder) Close() error {
	e.closing.Lock()
	defer e.closing.Unlock()
	if !e.closed {
		e.closed = true
		e.queue.close()
		e.session.close()
	}
	return nil
}

// Dimension is the width of the model's vectors, before TruncateDim.
func (e *Embedder) Dimension() int { return e.width }

// MaxTokens is the length to which texts are cut, in tokens, special tokens included.
func (e *Embedder) MaxTokens() int { return e.maxTokens }

// Embed returns the texts' vectors, in the order of the texts. A text longer than MaxTokens counts up to there; an empty text has a
// vector too, zeros where the model's tokenizer puts no tokens around it. The vectors are the caller's. Calls from many goroutines share the process's cores and the model's batches; a call waits for its turn. When ctx is
// done the call ends at once with ctx's cause. A bad option is an *OptionError.
//
// The last bits of a vector may depend on which texts stand beside it in a batch, as they do in every implementation: sums are
// taken in another order. They differ by less than 1e-6.
func (e *Embedder) Embed(ctx context.Context, texts []string, o EmbedOptions) (_ [][]float32, err error) {
	defer e.caught(&err)
	e.closing.RLock()
	defer e.closing.RUnlock()
	if e.closed {
		return nil, ErrClosed
	}
	if e.session.scores {
		return nil, &ModelError{Model: e.name, Err: errors.New("it scores texts and has no vectors for them: it is for pgml.rank")}
	}
	prompt, err := o.resolve(e.settings)
	if err != nil {
		return nil, err
	}
	width := e.width
	if o.TruncateDim > 0 {
		width = min(width, o.TruncateDim) // as sentence-transformers: more than there is means all
	}
	vectors := make([][]float32, len(texts))
	length, err := e.length("embed", "tokenizer_kwargs", o.MaxLength)
	if err != nil {
		return nil, err
	}
	key := cacheKey{model: e.cacheName, prompt: prompt, width: width, length: length, left: o.CutLeft, normalize: o.Normalize}
	var todo []int // the texts that the cache does not have, each once
	repeats := repeated(texts)
	for i, text := range texts {
		if _, again := repeats[i]; again {
			continue
		}
		key.text = text
		if vectors[i] = e.cache.get(key); vectors[i] == nil {
			todo = append(todo, i)
		}
	}
	if len(todo) > 0 {
		work, err := e.tokenize(ctx, texts, todo, prompt, tokenize.EncodeOptions{MaxLength: length, Left: o.CutLeft})
		if err != nil {
			return nil, err
		}
		keep := func(at int, pooled []float32) {
			v := append([]float32(nil), pooled[:width]...)
			if o.Normalize {
				normalize(v)
			}
			vectors[at] = v
		}
		some, none := work.dropEmpty(todo)
		for _, at := range none {
			keep(at, e.nothing())
		}
		if err := e.queue.do(ctx, work, o.BatchSize, func(i int, pooled []float32) { keep(some[i], pooled) }); err != nil {
			return nil, err
		}
	} else if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	for _, i := range todo {
		key.text = texts[i]
		e.cache.put(key, vectors[i])
	}
	for i, first := range repeats {
		vectors[i] = slices.Clone(vectors[first])
	}
	if err := o.Encoding.apply(vectors); err != nil {
		return nil, err
	}
	return vectors, nil
}

// length is the number of tokens to which a text is cut, where n is asked for by an option; 0: none is.
func (e *Embedder) length(function, option string, n int) (int, error) {
	switch {
	case n == 0:
		return e.maxTokens, nil
	case n <= e.tokenizer.Specials():
		return 0, &OptionError{Function: function, Name: option, Reason: fmt.Sprintf("is too small: %d tokens are the model's own", e.tokenizer.Specials())}
	case e.settings.positions > 0:
		n = min(n, e.settings.positions)
	}
	return min(n, 1<<16, max(e.maxTokens, maxRun/e.session.width)), nil
}
