package onnxcheck

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// The limits of a graph. Models that embed texts are far below all of them.
const (
	maxFile     = 1<<31 - 1 // bytes of the graph's own file: protobuf has no more
	maxWeights  = 64 << 30  // bytes of all tensors
	maxExternal = 4096      // files with weights
	maxNodes    = 200_000   // with those of subgraphs
	maxDepth    = 4         // of subgraphs in subgraphs
)

// UnsupportedError is a graph that may be sound, but has something that no model for texts needs and that is therefore not run.
type UnsupportedError struct{ What string }

func (e *UnsupportedError) Error() string { return "it has " + e.What + ", which is not supported" }

// Info is what a check has found.
type Info struct {
	Nodes   int
	Weights int64    // bytes of all tensors, those in other files included
	Files   []string // with weights, relative to the graph's folder, with slashes; in no order
}

// File checks the graph in a file. It reads the parts between the weights: a graph of 90 MB takes milliseconds. Errors: an *UnsupportedError, one that says what is wrong, those of the file (without its path).
func File(name string) (Info, error) {
	f, err := os.Open(name)
	if err != nil {
		return Info{}, unwrapped(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Info{}, unwrapped(err)
	}
	if !info.Mode().IsRegular() {
		return Info{}, errors.New("it is no regular file")
	}
	found, err := Reader(f, info.Size(), beside(filepath.Dir(name)))
	return found, unwrapped(err)
}

// Reader is File for a graph of so many bytes, with the sizes of the files beside it.
func Reader(from io.ReaderAt, size int64, sizeOf func(name string) (int64, error)) (Info, error) {
	if size > maxFile {
		return Info{}, fmt.Errorf("it has %d bytes, a graph has %d at most", size, maxFile)
	}
	c := &checker{file: &file{from: from, size: size, window: make([]byte, 0, windowSize)}, sizeOf: sizeOf, files: map[string]*weightsFile{}}
	if err := c.model(); err != nil {
		return Info{}, err
	}
	found := Info{Nodes: c.nodes, Weights: c.weights}
	for name := range c.files {
		found.Files = append(found.Files, name)
	}
	return found, nil
}

// checker is a check under way.
type checker struct {
	*file
	sizeOf  func(name string) (int64, error)
	files   map[string]*weightsFile
	nodes   int
	weights int64
	made    int64 // numbers in the tensors that operators make of nothing but a shape
}

// model checks a ModelProto.
func (c *checker) model() error {
	graph := span{-1, -1}
	m := c.message(span{0, c.size})
	err := m.each(func(f field) error {
		switch f.number {
		case 1, 5:
			return errors.Join(f.want(varint), m.once(f))
		case 7:
			graph = f.span
			return errors.Join(f.want(chunk), m.once(f))
		case 8:
			return c.opset(f)
		case 20:
			return &UnsupportedError{What: "a part for training"}
		case 25:
			return &UnsupportedError{What: "functions of its own"}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if graph.start < 0 {
		return errors.New("it has no graph")
	}
	if err := c.graph(graph, nil); err != nil {
		return err
	}
	if c.weights > maxWeights {
		return fmt.Errorf("it has weights of %d bytes", c.weights)
	}
	return nil
}

// opset checks an OperatorSetIdProto.
func (c *checker) opset(f field) error {
	if err := f.want(chunk); err != nil {
		return err
	}
	m := c.message(f.span)
	return m.each(func(f field) (err error) {
		switch f.number {
		case 1:
			_, err = m.text(f)
			return errors.Join(err, m.once(f))
		case 2:
			if f.value > 1<<20 {
				err = fmt.Errorf("it has operators of version %d", int64(f.value))
			}
			return errors.Join(f.want(varint), m.once(f), err)
		}
		return nil
	})
}
