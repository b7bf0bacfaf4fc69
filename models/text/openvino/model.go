package openvino

/*
#include <stdlib.h>
#include "api.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"
)

// ErrCancelled is the error of a run that was cancelled, ErrClosed that of a model that has been closed.
var (
	ErrCancelled = errors.New("the run was cancelled")
	ErrClosed    = errors.New("the model has been closed")
)

// Options are how to compile a model.
type Options struct {
	Inputs  []string // of int64, [rows, columns] each, in the order that Run gets them in
	Output  string   // of float32
	Streams int      // how many runs may go on at a time, one thread each: no more than there are cores; others wait for their turn
	// BFloat16 has products of matrices and what lies between them computed in bfloat16, and everything else in float32. Not every processor can (Library.BFloat16).
	BFloat16 bool
}

// keptShapes is how many kernels for shapes a stream keeps. Without a limit MiniLM grew by 270 MB over 1,500 shapes and went on; with 50 it stays at 120 MB, and loses nothing
// in speed where shapes repeat one after the other, as they do in work that is sorted by length.
const keptShapes = 64

// Model is a compiled graph. It is safe for use by several goroutines.
type Model struct {
	compiled *C.ov_compiled
	inputs   []*C.char
	output   *C.char

	closing sync.RWMutex // held for reading while a request is used
	closed  bool
	mu      sync.Mutex
	idle    []*Request
}

// Compile reads an ONNX file and compiles it for the processors. Inputs are of any number of rows and columns.
func (l *Library) Compile(file string, o Options) (*Model, error) {
	if strings.ContainsRune(file, 0) {
		return nil, errors.New("the file's name has a zero byte")
	}
	if o.BFloat16 && !l.BFloat16() {
		return nil, errors.New("the processors have no bfloat16")
	}
	precision := "f32"
	if o.BFloat16 {
		precision = "bf16"
	}
	var texts []*C.char
	for _, s := range []string{file, precision, strconv.Itoa(max(1, o.Streams)), strconv.Itoa(keptShapes)} {
		texts = append(texts, C.CString(s))
	}
	defer release(texts)
	m := newMessage()
	defer m.free()
	model := new(Model)
	if status := C.owl_compile(l.core, texts[0], texts[1], texts[2], texts[3], &model.compiled, m.room); status != 0 {
		return nil, m.err(status)
	}
	for _, name := range o.Inputs {
		model.inputs = append(model.inputs, C.CString(name))
	}
	model.output = C.CString(o.Output)
	if err := model.check(l, o); err != nil {
		model.Close()
		return nil, err
	}
	return model, nil
}

// check says whether the model came out as it was wanted.
func (m *Model) check(l *Library, o Options) error {
	e := newMessage()
	defer e.free()
	var n C.size_t
	if status := C.owl_inputs(m.compiled, &n, e.room); status != 0 {
		return e.err(status)
	}
	if int(n) != len(o.Inputs) {
		return fmt.Errorf("it has %d inputs, want %d", n, len(o.Inputs))
	}
	for i, name := range m.inputs {
		if status := C.owl_input(m.compiled, name, e.room); status != 0 {
			return fmt.Errorf("input %s: %w", o.Inputs[i], e.err(status))
		}
	}
	if status := C.owl_output(m.compiled, m.output, e.room); status != 0 {
		return fmt.Errorf("output %s: %w", o.Output, e.err(status))
	}
	got, err := l.property(m.compiled, "INFERENCE_PRECISION_HINT")
	if err != nil {
		return err
	}
	if (got == "bf16") != o.BFloat16 {
		return fmt.Errorf("it computes in %s", got)
	}
	return nil
}

// Close frees the model. It waits for the requests that are in use; later ones fail with ErrClosed. It may be called twice.
func (m *Model) Close() {
	m.closing.Lock()
	defer m.closing.Unlock()
	if m.closed {
		return
	}
	m.closed = true
	for _, r := range m.idle {
		C.owl_request_free(r.request)
	}
	m.idle = nil
	C.owl_compiled_free(m.compiled)
	release(append(m.inputs, m.output))
}

func release(texts []*C.char) {
	for _, t := range texts {
		C.free(unsafe.Pointer(t))
	}
}

// Request is the room for one run.
type Request struct {
	model     *Model
	request   *C.ov_request
	cancelled atomic.Bool
	failed    bool
}

// Request takes one for a run. It must be given back.
func (m *Model) Request() (*Request, error) {
	m.closing.RLock()
	if m.closed {
		m.closing.RUnlock()
		return nil, ErrClosed
	}
	if r := m.takeIdle(); r != nil {
		return r, nil
	}
	r := &Request{model: m} // which takes milliseconds to make: others need not wait for that
	e := newMessage()
	defer e.free()
	if status := C.owl_request(m.compiled, &r.request, e.room); status != 0 {
		m.closing.RUnlock()
		return nil, e.err(status)
	}
	return r, nil
}

// takeIdle takes a request that nobody uses; nil if there is none.
func (m *Model) takeIdle() *Request {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := len(m.idle)
	if n == 0 {
		return nil
	}
	r := m.idle[n-1]
	m.idle = m.idle[:n-1]
	return r
}

// Release gives a request back. Nobody may cancel it any more.
func (r *Request) Release() {
	m := r.model
	defer m.closing.RUnlock()
	if r.failed || r.cancelled.Load() {
		C.owl_request_free(r.request) // in whatever state it is
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.idle = append(m.idle, r)
}

// Cancel ends the run, between two nodes of the graph, or keeps it from beginning. It may be called by any goroutine, until the request is given back.
func (r *Request) Cancel() {
	r.cancelled.Store(true)
	C.owl_cancel(r.request)
}

// Run fills out, of the given shape, with the output for the inputs, of rows x columns numbers each. The error is ErrCancelled if it was cancelled.
func (r *Request) Run(inputs [][]int64, rows, columns int, out []float32, shape []int64) error {
	if err := r.run(inputs, rows, columns, out, shape); err != nil {
		r.failed = true
		return err
	}
	return nil
}

func (r *Request) run(inputs [][]int64, rows, columns int, out []float32, shape []int64) error {
	if len(inputs) != len(r.model.inputs) {
		return fmt.Errorf("%d inputs, want %d", len(inputs), len(r.model.inputs))
	}
	size := 1
	for _, d := range shape {
		size *= int(d)
	}
	if rows < 1 || columns < 1 || size < 1 || len(out) != size {
		return fmt.Errorf("%d x %d tokens into %d numbers of %v", rows, columns, len(out), shape)
	}
	e := newMessage()
	defer e.free()
	for i, data := range inputs {
		if len(data) != rows*columns {
			return fmt.Errorf("input %d has %d numbers, want %d x %d", i, len(data), rows, columns)
		}
		if status := C.owl_fill(r.request, r.model.inputs[i], (*C.int64_t)(&data[0]), C.int64_t(rows), C.int64_t(columns), e.room); status != 0 {
			return e.err(status)
		}
	}
	if r.cancelled.Load() {
		return ErrCancelled
	}
	if status := C.owl_start(r.request, e.room); status != 0 {
		return e.err(status)
	}
	if r.cancelled.Load() {
		C.owl_cancel(r.request) // it may have come before the start, when there was nothing to cancel
	}
	if status := C.owl_wait(r.request, e.room); status != 0 {
		return e.err(status)
	}
	if status := C.owl_read(r.request, r.model.output, (*C.float)(&out[0]), (*C.int64_t)(&shape[0]), C.int64_t(len(shape)), e.room); status != 0 {
		return e.err(status)
	}
	return nil
}
