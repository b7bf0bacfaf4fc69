package onnxgraph

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
)

// The names of the files that Write makes; the graph refers to the other one.
const (
	graphFile   = "model.onnx"
	weightsFile = "model.onnx_data"
)

// Write writes the graph and, beside it, its weights as float32 into a folder that is there, and returns the graph's path. It takes memory for two copies of the largest
// matrix that it turns, not for the weights; there is no limit to their size but the disk.
func (m *Model) Write(dir string) (string, error) {
	path := filepath.Join(dir, graphFile)
	err := writeFile(filepath.Join(dir, weightsFile), m.writeWeights)
	if err == nil {
		err = writeFile(path, func(w io.Writer) error {
			_, err := w.Write(m.graph())
			return err
		})
	}
	return path, err
}

func writeFile(path string, write func(w io.Writer) error) error {
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := write(out); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

// graph is the model without its weights, serialised.
func (m *Model) graph() []byte {
	var g message
	for _, n := range m.nodes {
		g.bytes(1, n)
	}
	g.text(2, "encoder")
	for _, c := range m.constants {
		g.bytes(5, c)
	}
	for i := range m.weights {
		w := &m.weights[i]
		g.bytes(5, external(w.name, w.shape, weightsFile, strconv.FormatInt(w.offset, 10), strconv.FormatInt(w.bytes(), 10)))
	}
	for _, name := range m.inputs {
		g.bytes(11, value(name, typeInt64, "batch", "sequence"))
	}
	g.bytes(12, m.output)
	for _, v := range m.values {
		g.bytes(13, v)
	}
	var model, operators message
	operators.text(1, "")
	operators.int(2, opset)
	model.int(1, irVersion)
	model.text(2, "pgowl")
	model.bytes(7, g)
	model.bytes(8, operators)
	return model
}

// writeWeights writes the numbers, each array where the graph says that it begins.
func (m *Model) writeWeights(out io.Writer) error {
	w := bufio.NewWriterSize(out, 1<<20)
	at := int64(0)
	var r room
	for i := range m.weights {
		weight := &m.weights[i]
		if _, err := w.Write(make([]byte, weight.offset-at)); err != nil {
			return err
		}
		if err := r.write(w, weight); err != nil {
			return fmt.Errorf("%s: %w", weight.name, err)
		}
		at = weight.offset + weight.bytes()
	}
	return w.Flush()
}

// room is memory that serves one array after the other.
type room struct {
	values, turned []float32
	bytes          []byte
}

// put writes numbers.
func (r *room) put(w io.Writer, values []float32) error {
	r.bytes = appendFloats(r.bytes[:0], values)
	_, err := w.Write(r.bytes)
	return err
}

// chunk is how many numbers of an array that is not turned are in memory at a time.
const chunk = 256 << 10

func (r *room) write(w io.Writer, a *weight) error {
	switch {
	case a.from == nil:
		return r.put(w, a.values)
	case a.transpose:
		return r.writeTurned(w, a)
	}
	r.values = grow(r.values, min(chunk, a.from.Count()))
	for at := 0; at < a.from.Count(); {
		part := r.values[:min(len(r.values), a.from.Count()-at)]
		if err := a.from.Read(part, at); err != nil {
			return err
		}
		if err := r.put(w, part); err != nil {
			return err
		}
		at += len(part)
	}
	return nil
}

// writeTurned writes a matrix with its dimensions exchanged.
func (r *room) writeTurned(w io.Writer, a *weight) error {
	columns, rows := a.shape[0], a.shape[1] // as they are read
	r.values = grow(r.values, rows*columns)
	if err := a.from.Read(r.values, 0); err != nil {
		return err
	}
	// A few columns at a time, so that what is read of a row is used before it leaves the processor's caches.
	const block = 16
	r.turned = grow(r.turned, block*rows)
	for first := 0; first < columns; first += block {
		n := min(block, columns-first)
		for i := range rows {
			row := r.values[i*columns+first:][:n]
			for j, v := range row {
				r.turned[j*rows+i] = v
			}
		}
		if err := r.put(w, r.turned[:n*rows]); err != nil {
			return err
		}
	}
	return nil
}

// grow is a slice of that length, s where it is large enough.
func grow(s []float32, n int) []float32 {
	if cap(s) < n {
		return make([]float32, n)
	}
	return s[:n]
}
