package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"

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
	shuffled        []float64 // theirs, of the columns in another order; nil: was not made
	failed, refused string    // errors, ours and theirs
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
	Shuffle   bool           `json:"shuffle"` // the columns
}

// answer is what the Python program says of a job.
type answer struct {
	Prediction string `json:"prediction"` // a file of numbers of eight bytes
	Error      string `json:"error"`
}

// fitAll makes the fits of both sides, ours first, and returns the versions of theirs. Where rows differ the library fits once more, of the columns in
// another order.
func fitAll(ctx context.Context, python string, comparisons []*comparison) (versions string, err error) {
	folder, err := os.MkdirTemp("", "pgowl-fidelity-*")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(folder)
	var fits []*fit
	for _, c := range comparisons {
		for _, f := range c.fits {
			data, held := f.set.part(f.seed)
			f.labels = held.Y
			if err := f.fitOurs(ctx, data, held); err != nil {
				return "", err
			}
			for end, v := range map[string][]float32{".x": data.X, ".y": data.Y, ".held": held.X} {
				if err := writeNumbers(filepath.Join(folder, f.data()+end), v); err != nil {
					return "", err
				}
			}
			fits = append(fits, f)
		}
	}
	predictions, versions, err := fitTheirs(ctx, python, folder, fits, false)
	if err != nil {
		return "", err
	}
	for i, f := range fits {
		f.theirs, f.refused = predictions[i].values, predictions[i].failed
	}
	fits = nil
	for _, c := range comparisons {
		if c.deviates() {
			fits = append(fits, c.fits...)
		}
	}
	if len(fits) == 0 {
		return versions, nil
	}
	if predictions, _, err = fitTheirs(ctx, python, folder, fits, true); err != nil {
		return "", err
	}
	for i, f := range fits {
		f.shuffled = predictions[i].values
	}
	return versions, nil
}

// data is the name of the files of what is fitted, up to the end.
func (f *fit) data() string { return fmt.Sprintf("%s %d", f.set.name, f.seed) }

// fitTheirs has the libraries make fits, of the columns in another order if shuffle is true.
func fitTheirs(ctx context.Context, python, folder string, fits []*fit, shuffle bool) ([]prediction, string, error) {
	var jobs []job
	for _, f := range fits {
		p := f.hyperparams()
		maps.Copy(p, f.setting.theirs)
		jobs = append(jobs, job{f.setting.algorithm, f.setting.task, p, f.data(), f.set.data.Features, f.set.data.Classes, runtime.GOMAXPROCS(0), shuffle})
	}
	text, err := json.Marshal(jobs)
	if err != nil {
		return nil, "", err
	}
	if err := os.WriteFile(filepath.Join(folder, "jobs.json"), text, 0o600); err != nil {
		return nil, "", err
	}
	cmd := exec.CommandContext(ctx, python, "-c", reference, folder)
	// On a busy machine threads that wait in circles for each other take longer than the work; scikit-learn has the number of threads from here alone.
	cmd.Env = append(os.Environ(), "OMP_WAIT_POLICY=passive", fmt.Sprintf("OMP_NUM_THREADS=%d", runtime.GOMAXPROCS(0)))
	var complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &complaint, &complaint // the libraries talk, too
	if err := cmd.Run(); err != nil {
		return nil, "", fmt.Errorf("%s: %w\n%s", python, err, complaint.Bytes())
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

// prediction is what a library predicts, or why it does not.
type prediction struct {
	values []float64
	failed string
}

// readAnswers reads what the Python program wrote: a line of versions, and a line for each fit.
func readAnswers(folder string, fits []*fit) (list []prediction, versions string, err error) {
	file, err := os.Open(filepath.Join(folder, "answers"))
	if err != nil {
		return nil, "", err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	if lines.Scan() {
		versions = lines.Text()
	}
	for _, f := range fits {
		if !lines.Scan() {
			return nil, "", errors.Join(errors.New("the libraries' answers end too early"), lines.Err())
		}
		var a answer
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			return nil, "", fmt.Errorf("the libraries' answers: %w", err)
		}
		p := prediction{failed: a.Error}
		if a.Error == "" {
			data, err := os.ReadFile(filepath.Join(folder, a.Prediction))
			if err != nil {
				return nil, "", err
			}
			for part := range slices.Chunk(data, 8) {
				p.values = append(p.values, math.Float64frombits(binary.LittleEndian.Uint64(part)))
			}
			if want := len(f.labels) * max(1, f.set.data.Classes); len(p.values) != want {
				return nil, "", fmt.Errorf("%s on %s: the library predicts %d numbers, want %d", f.setting.algorithm, f.set.name, len(p.values), want)
			}
		}
		list = append(list, p)
	}
	return list, versions, nil
}

// writeNumbers writes numbers of four bytes, the lowest first.
func writeNumbers(path string, v []float32) error {
	out := make([]byte, 0, 4*len(v))
	for _, x := range v {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(x))
	}
	return os.WriteFile(path, out, 0o600)
}
