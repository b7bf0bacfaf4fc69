package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// embedders embeds with the other libraries; it says how.
//
//go:embed embedders.py
var embedders string

// embedTime is what embedding all texts took.
type embedTime struct {
	Seconds    float64 `json:"seconds"`
	Tokenizing float64 `json:"tokenizing"` // of them, where the rest was measured apart
	CPU        float64 `json:"cpu"`        // seconds of the processors, of all who took part but the bench itself
	Server     float64 `json:"-"`          // of them Postgres'
}

// embedPeer is another library that has the model loaded, in a Python process of its own.
type embedPeer struct {
	What    string `json:"what"`    // the library and its version
	Missing string `json:"missing"` // why it cannot be compared with
	sample  [][]float32

	done    chan struct{}
	in      io.WriteCloser
	out     *bufio.Reader
	errors  strings.Builder
	command *exec.Cmd
}

// startEmbedPeer starts one and waits until it has embedded a sample, each so manyeth text.
func startEmbedPeer(python, name, model, folder string, step int) (*embedPeer, error) {
	sample := filepath.Join(folder, name+".vectors")
	p := &embedPeer{done: make(chan struct{}), command: exec.Command(python, "-c", embedders, name, model, filepath.Join(folder, "texts.json"), fmt.Sprint(step), sample)}
	p.command.Stderr = &p.errors
	var err error
	if p.in, err = p.command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if err := startChild(p.command, p.done); err != nil {
		return nil, err
	}
	if err := p.read(p); err != nil {
		p.stop()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if p.Missing == "" {
		p.sample, err = readVectors(sample)
	}
	return p, err
}

// read reads a line of JSON.
func (p *embedPeer) read(to any) error {
	text, err := p.out.ReadBytes('\n')
	if err != nil {
		<-p.done
		return fmt.Errorf("%w: %s", err, p.errors.String())
	}
	return json.Unmarshal(text, to)
}

func (p *embedPeer) run(context.Context, int) (e embedTime, err error) {
	if _, err = io.WriteString(p.in, "\n"); err == nil {
		err = p.read(&e)
	}
	return e, err
}

func (p *embedPeer) stop() {
	p.in.Close()
	<-p.done
}

// readVectors reads float32 vectors of MiniLM's width.
func readVectors(path string) (list [][]float32, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for len(data) >= 4*embedWidth {
		v := make([]float32, embedWidth)
		for i := range v {
			v[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		}
		list, data = append(list, v), data[4*embedWidth:]
	}
	if len(data) > 0 {
		return nil, errors.New("a vector of another width")
	}
	return list, nil
}

// leastCosine is that of the two vectors of a text that are the least alike.
func leastCosine(a, b [][]float32) float64 {
	least := 1.0
	for i := range min(len(a), len(b)) {
		var ab, aa, bb float64
		for j := range a[i] {
			x, y := float64(a[i][j]), float64(b[i][j])
			ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
		}
		least = min(least, ab/math.Sqrt(aa*bb))
	}
	return least
}
