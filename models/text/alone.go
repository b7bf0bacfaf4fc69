package text

import (
	"cmp"
	"slices"
	"sync"

	ort "github.com/yalue/onnxruntime_go"
)

// alone is a copy of a graph that has several threads a run, for a run that finds the processors idle: with two, a headline took 4.4 ms instead of 5.2 (MiniLM; 3.6 to 4 of 6 with nothing
// else on the machine). For many texts a thread a run is faster, and which it is to be ONNX Runtime has to know when it loads a graph.
type alone struct {
	engine engine
	using  sync.RWMutex // held for reading by runs
	gone   bool
}

const (
	// aloneThreads is how many threads are of use: a short text's products are too small to be cut into many parts.
	aloneThreads = 4
	// aloneBytes is the size of the largest graph that is loaded twice.
	aloneBytes = 256 << 20
)

// openAlone loads a copy of a graph, where the model may have one; nil where not. Graphs of int8 have none: with two threads a headline took no less time.
func (e *Embedder) openAlone(dir string, s *session, options *ort.SessionOptions) *alone {
	if _, onnx := s.engine.(*onnx); !onnx || e.threads <= 1 || e.variant.Graph != "" || e.variant.Precision != Float32 {
		return nil
	}
	threads := min(e.threads, e.runtime.cores())
	if threads <= 1 || graphSize(dir, e.graphs) > aloneBytes {
		return nil
	}
	copied, err := newONNX(s.graph.file, s.graph.inputs, s.graph.output, options, threads)
	if err != nil { // there was room for one only
		return nil
	}
	return &alone{engine: copied}
}

// run runs the graph as engine does, if the copy is there.
func (a *alone) run(ins [][]int64, rows, columns int, out []float32, shape []int64, stopped stopper) (ran bool, err error) {
	if a == nil {
		return false, nil
	}
	a.using.RLock()
	defer a.using.RUnlock()
	if a.gone {
		return false, nil
	}
	return true, a.engine.run(ins, rows, columns, out, shape, stopped)
}

// close frees the copy, behind the run that uses it. It may be called twice.
func (a *alone) close() {
	if a == nil {
		return
	}
	a.using.Lock()
	defer a.using.Unlock()
	if !a.gone {
		a.gone = true
		a.engine.close()
	}
}

// copies is how often a model's graph is in memory. The store is locked.
func (l *loading) copies() int {
	switch {
	case l.bytes == 0:
		return 0
	case l.copied:
		return 2
	}
	return 1
}

// dropCopies frees copies of graphs, of models that nobody has asked for the longest first, until they come to so many bytes, or none is left; it tells how many they were. The store is
// locked.
func (s *Store) dropCopies(bytes int64) (freed int64) {
	var all []*loading
	for _, l := range s.models {
		if l.copies() > 1 {
			all = append(all, l)
		}
	}
	slices.SortFunc(all, func(a, b *loading) int { return cmp.Compare(a.asked, b.asked) })
	for _, l := range all {
		if freed >= bytes {
			break
		}
		l.copied = false
		freed += l.bytes
		s.loaders.Go(l.embedder.session.alone.close)
	}
	return freed
}
