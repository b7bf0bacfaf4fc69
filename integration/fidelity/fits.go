package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/pgowl/pgowl/models"
	"github.com/pgowl/pgowl/models/learn"
)

// reference fits with the libraries; it says how.
//
//go:embed reference.py
var reference string

// fit is one fit of either side and what it predicts of the rows that were held out: a value a row, or a probability a class.
type fit struct {
	seed    int
	setting setting
	set     *set

	labels          []float32
	ours, theirs    []float64
	failed, refused string // errors, ours and theirs
}

// hyperparams are those of both sides.
func (f *fit) hyperparams() map[string]any {
	p := params{}
	maps.Copy(p, f.setting.params)
	if name := seedNames[f.setting.algorithm]; name != "" {
		p[name] = f.seed
	}
	return p
}

// job is a fit as the Python program reads it. Files are below the folder, numbers of four bytes as this machine writes them.
type job struct {
	Algorithm string         `json:"algorithm"`
	Task      learn.Task     `json:"task"`
	Params    map[string]any `json:"params"`
	Data      string         `json:"data"` // the files' names up to ".x", ".y", and ".held"
	Features  int            `json:"features"`
	Classes   int            `json:"classes"`
	Threads   int            `json:"threads"`
}

// answer is what the Python program says of a job.
type answer struct {
	Prediction string `json:"prediction"` // a file of numbers of eight bytes
	Error      string `json:"error"`
}

// fitAll makes the fits of both sides, ours first, and returns the versions of theirs.
func fitAll(ctx context.Context, python string, comparisons []*comparison) (versions string, err error) {
	folder, err := os.MkdirTemp("", "pgowl-fidelity-*")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(folder)
	var jobs []job
	var fits []*fit
	files := map[string]bool{}
	for _, c := range comparisons {
		for _, f := range c.fits {
			data, held := f.set.part(f.seed)
			f.labels = held.Y
			if err := f.fitOurs(ctx, data, held); err != nil {
				return "", err
			}
			name := fmt.Sprintf("%s %d", f.set.name, f.seed)
			if !files[name] {
				files[name] = true
				for end, v := range map[string][]float32{".x": data.X, ".y": data.Y, ".held": held.X} {
					if err := writeNumbers(filepath.Join(folder, name+end), v); err != nil {
						return "", err
					}
				}
			}
			p := f.hyperparams()
			maps.Copy(p, f.setting.theirs)
			jobs = append(jobs, job{f.setting.algorithm, f.setting.task, p, name, data.Features, data.Classes, runtime.GOMAXPROCS(0)})
			fits = append(fits, f)
		}
	}
	text, err := json.Marshal(jobs)
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(folder, "jobs.json"), text, 0o600); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, python, "-c", reference, folder)
	var complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &complaint, &complaint // the libraries talk, too
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", python, err, complaint.Bytes())
	}
	return readAnswers(folder, fits)
}

// fitOurs fits and predicts. What the engine refuses is told with the comparison; only a canceled context is an error.
func (f *fit) fitOurs(ctx context.Context, data, held *learn.Dataset) error {
	given := f.hyperparams()
	for name, v := range given { // as JSON has them
		if n, ok := v.(int); ok {
			given[name] = float64(n)
		}
	}
	train, err := models.Trainer(f.setting.algorithm, f.setting.task)
	if err != nil {
		return err
	}
	m, err := train(ctx, data, f.setting.task, given, nil)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		f.failed = err.Error()
		return nil
	}
	out := make([]float32, held.Rows*max(1, held.Classes))
	if held.Classes > 0 {
		m.Probabilities(out, held.X)
	} else {
		m.Predict(out, held.X)
	}
	f.ours = make([]float64, len(out))
	for i, v := range out {
		f.ours[i] = float64(v)
	}
	return nil
}

// readAnswers reads what the Python program wrote: a line of versions, and a line for each job.
func readAnswers(folder string, fits []*fit) (versions string, err error) {
	file, err := os.Open(filepath.Join(folder, "answers"))
	if err != nil {
		return "", err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	if !lines.Scan() {
		return "", fmt.Errorf("the libraries' answers are empty: %w", lines.Err())
	}
	versions = lines.Text()
	for _, f := range fits {
		var a answer
		if !lines.Scan() {
			return "", fmt.Errorf("the libraries' answers end too early: %w", lines.Err())
		}
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			return "", err
		}
		if f.refused = a.Error; a.Error != "" {
			continue
		}
		data, err := os.ReadFile(filepath.Join(folder, a.Prediction))
		if err != nil {
			return "", err
		}
		for part := data; len(part) >= 8; part = part[8:] {
			f.theirs = append(f.theirs, math.Float64frombits(binary.LittleEndian.Uint64(part)))
		}
		if want := len(f.labels) * max(1, f.set.data.Classes); len(f.theirs) != want {
			return "", fmt.Errorf("%s on %s: the library predicts %d numbers, want %d", f.setting.algorithm, f.set.name, len(f.theirs), want)
		}
	}
	return versions, nil
}

// writeNumbers writes numbers of four bytes, the lowest first.
func writeNumbers(path string, v []float32) error {
	out := make([]byte, 0, 4*len(v))
	for _, x := range v {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(x))
	}
	return os.WriteFile(path, out, 0o600)
}
