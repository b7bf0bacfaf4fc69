package main

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"github.com/pgowl/pgowl/models"
	"github.com/pgowl/pgowl/models/learn"
)

// trainers trains with the other libraries; it says how.
//
//go:embed trainers.py
var trainers string

// trainedWidth is the number of features of the data that training is measured on.
const trainedWidth = 28

// A training is one setting, for us and for the others.
type training struct {
	name        string
	target      float64 // of the time of the fastest peer
	algorithm   string
	hyperparams map[string]any
}

var trainings = []training{
	{"depth 6, 100 rounds", 0.8, "xgboost", map[string]any{"n_estimators": 100., "max_depth": 6., "objective": "binary:logistic"}},
	{"255 leaves, 50 rounds", 0.8, "xgboost", map[string]any{"n_estimators": 50., "max_depth": 0., "max_leaves": 255., "grow_policy": "loss_guide",
		"objective": "binary:logistic", "eta": 0.1}},
	{"symmetric trees, 100 rounds", 0.6, "catboost", map[string]any{"iterations": 100., "depth": 6., "learning_rate": 0.3}},
}

// trained is what one training took and gave.
type trained struct {
	Peer    string  `json:"peer"`
	Bin     float64 `json:"bin"`   // seconds
	Train   float64 `json:"train"` // seconds
	CPU     float64 `json:"cpu"`   // seconds of all threads
	AUC     float64 `json:"auc"`
	Memory  float64 `json:"memory"`  // MiB that the fit took over what was there before, at most
	Scored  int     `json:"scored"`  // rows whose prediction was timed
	Predict float64 `json:"predict"` // processor seconds for them, on one thread: probabilities, of CatBoost the margins
	Row     float64 `json:"row"`     // processor seconds for one row, 0 where that was not measured
}

// scored is the number of rows whose prediction is timed, if there are so many.
const scored = 100_000

func (t trained) String() string {
	text := fmt.Sprintf("%6.2f s (binning %.2f, processor %.2f)  AUC %.5f  %.0f MiB  %d rows in %.1f ms of the processor", t.Bin+t.Train, t.Bin, t.CPU, t.AUC, t.Memory, t.Scored, t.Predict*1000)
	if t.Row > 0 {
		text += fmt.Sprintf(", one in %.2f \u00b5s", t.Row*1e6)
	}
	return text
}

// train compares the fits of a data set in memory: ours in this process, the others' in Python, by turns.
func trainPart(ctx context.Context, s *stage, o options) error {
	fmt.Printf("\ntrain: %d rows of %d float32 features, binary, %d threads\n", o.fitted, trainedWidth, runtime.GOMAXPROCS(0))
	folder, err := os.MkdirTemp("", "bench-train")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	fit, held := physics(o.fitted, 1), physics(o.fitted/5, 2)
	for name, d := range map[string]*learn.Dataset{"fit": fit, "held": held} {
		if err := writeFloats(filepath.Join(folder, name+".x"), d.X); err != nil {
			return err
		}
		if err := writeFloats(filepath.Join(folder, name+".y"), d.Y); err != nil {
			return err
		}
	}
	if err := readings(ctx, s, o); err != nil {
		return fmt.Errorf("reading: %w", err)
	}
	for _, t := range trainings {
		if err := t.compare(ctx, o, folder, fit, held); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	return nil
}

func (t training) compare(ctx context.Context, o options, folder string, fit, held *learn.Dataset) error {
	all := map[string][]trained{}
	var names []string
	for range o.rounds {
		us, err := t.ours(ctx, fit, held)
		if err != nil {
			return err
		}
		round := []trained{us}
		if o.python != "" {
			theirs, err := t.theirs(ctx, o.python, folder)
			if err != nil {
				return err
			}
			round = append(round, theirs...)
		}
		for _, r := range round {
			if all[r.Peer] == nil {
				names = append(names, r.Peer)
			}
			all[r.Peer] = append(all[r.Peer], r)
		}
	}
	total := func(r trained) float64 { return r.Bin + r.Train }
	least := func(name string) trained {
		return slices.MinFunc(all[name], func(a, b trained) int { return cmp.Compare(total(a), total(b)) })
	}
	us, best := least("PgOwl"), math.Inf(1)
	for _, name := range names {
		line(t.name+", "+name, "%v", least(name))
		if name != us.Peer {
			best = min(best, total(least(name)))
		}
	}
	if !math.IsInf(best, 1) {
		line(t.name+", PgOwl / the fastest", "%.2f (aim %.2f)  the least of %d rounds each", total(us)/best, t.target, o.rounds)
	}
	return nil
}

// ours fits and judges.
func (t training) ours(ctx context.Context, fit, held *learn.Dataset) (trained, error) {
	train, err := models.Trainer(t.algorithm, learn.Classification)
	if err != nil {
		return trained{}, err
	}
	debug.FreeOSMemory()
	forgetPeak()
	before, used := peak(), processor()
	start := time.Now()
	binned := start
	m, err := train(ctx, fit, learn.Classification, t.hyperparams, func(done, _ int, _ ...learn.Score) {
		if done == 0 {
			binned = time.Now()
		}
	})
	if err != nil {
		return trained{}, err
	}
	end := time.Now()
	r := trained{Peer: "PgOwl", Bin: binned.Sub(start).Seconds(), Train: end.Sub(binned).Seconds(), CPU: processor() - used, Memory: peak() - before}
	p := make([]float32, 2*held.Rows)
	m.Probabilities(p, held.X)
	for i := range held.Rows {
		p[i] = p[2*i+1]
	}
	r.AUC = areaUnder(p[:held.Rows], held.Y)
	many := min(scored, held.Rows)
	r.Scored = many
	threads := runtime.GOMAXPROCS(1)
	r.Predict, r.Row = math.Inf(1), math.Inf(1)
	for range 5 {
		used := processor()
		m.Probabilities(p[:2*many], held.X[:many*trainedWidth]) // what the others give, and a little more than Predict
		r.Predict = min(r.Predict, processor()-used)
		used = processor()
		for i := range 1000 {
			m.Predict(p[:1], held.Row(i))
		}
		r.Row = min(r.Row, (processor()-used)/1000)
	}
	runtime.GOMAXPROCS(threads)
	return r, nil
}

// processor is the time that the process has used so far, in seconds.
func processor() float64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

// peak is the most memory that the process has had since forgetPeak, in MiB; 0 where the system does not say.
func peak() float64 {
	text, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	var kib float64
	fmt.Sscan(rest, &kib)
	return kib / 1024
}

func forgetPeak() { os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

// theirs has the others fit and judge.
func (t training) theirs(ctx context.Context, python, folder string) ([]trained, error) {
	c := exec.CommandContext(ctx, python, "-c", trainers, folder, t.name, fmt.Sprint(runtime.GOMAXPROCS(0)), fmt.Sprint(trainedWidth))
	var out, complaint bytes.Buffer
	c.Stdout, c.Stderr = &out, &complaint
	if err := c.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, complaint.String())
	}
	var list []trained
	for _, text := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		var r trained
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			return nil, fmt.Errorf("%q: %w", text, err)
		}
		list = append(list, r)
	}
	return list, nil
}

// physics makes data like those of a collision: half-open and symmetric measurements, angles, and masses that are made of them, of which a class
// has some a little larger. The same rows for the same seed.
func physics(rows int, seed uint64) *learn.Dataset {
	d := &learn.Dataset{X: make([]float32, rows*trainedWidth), Y: make([]float32, rows), Rows: rows, Features: trainedWidth, Classes: 2}
	dice := rand.New(rand.NewPCG(seed, 28))
	for r := range rows {
		x := d.Row(r)
		for j := range 21 {
			switch j % 3 {
			case 0:
				x[j] = float32(dice.ExpFloat64())
			case 1:
				x[j] = float32(dice.NormFloat64())
			default:
				x[j] = float32(dice.Float64()*2 - 1)
			}
		}
		for j := 21; j < trainedWidth; j++ {
			a, b, c := x[3*(j-21)], x[3*((j-20)%7)], x[3*(j-21)+1]
			x[j] = float32(math.Sqrt(float64(a*a+b*b))) + 0.1*c
		}
		margin := 1.5*float64(x[21]-x[24]) + float64(x[1]*x[4]) + 0.8*math.Sin(3*float64(x[2])) + 0.5*float64(x[22]*x[5]) - 0.3*float64(x[7]*x[7]) + 0.2
		if dice.Float64() < 1/(1+math.Exp(-margin)) {
			d.Y[r] = 1
		}
	}
	return d
}

// areaUnder is the area under the ROC curve.
func areaUnder(scores, y []float32) float64 {
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(scores[a], scores[b]) })
	ranks, positive := 0.0, 0.0
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && scores[order[j]] == scores[order[i]] {
			j++
		}
		for _, r := range order[i:j] {
			if y[r] == 1 {
				ranks += float64(i+j+1) / 2
				positive++
			}
		}
		i = j
	}
	return (ranks - positive*(positive+1)/2) / (positive * (float64(len(order)) - positive))
}

// writeFloats writes numbers as the machine has them.
func writeFloats(name string, v []float32) error {
	return os.WriteFile(name, unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), 4*len(v)), 0o600)
}
