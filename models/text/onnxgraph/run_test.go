package onnxgraph

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"

	ort "github.com/yalue/onnxruntime_go"
)

// golden is what transformers gives for a model (testdata/golden.py).
type golden struct {
	IDs    [][]int64 `json:"ids"`
	Mask   [][]int64 `json:"mask"`
	Types  [][]int64 `json:"types"`
	Shape  []int64   `json:"shape"`
	Output []float32 `json:"output"`
}

// library loads ONNX Runtime; without it the test is skipped.
func library(t testing.TB) {
	t.Helper()
	path := os.Getenv("PGOWL_ONNXRUNTIME")
	if path == "" {
		t.Skip("PGOWL_ONNXRUNTIME is not set: see docs/contributing.md")
	}
	initialise.Do(func() {
		ort.SetSharedLibraryPath(path)
		initialised = ort.InitializeEnvironment(ort.WithLogLevelFatal())
	})
	if initialised != nil {
		t.Fatal(initialised)
	}
}

var (
	initialise  sync.Once
	initialised error
)

// models are the folders of testdata.
func models(t testing.TB) []string {
	t.Helper()
	found, err := filepath.Glob("testdata/*/golden.json")
	if err != nil || len(found) < 12 {
		t.Fatalf("%d models in testdata, %v", len(found), err)
	}
	for i, path := range found {
		found[i] = filepath.Dir(path)
	}
	return found
}

func open(t testing.TB, dir string) (*Model, error) {
	t.Helper()
	config, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = os.Stat(filepath.Join(dir, "modules.json"))
	return Open(dir, config, err == nil)
}

// run writes a model, runs it, and gives its output.
func run(t testing.TB, dir string, in golden) []float32 {
	t.Helper()
	m, err := open(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	path, err := m.Write(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(filepath.Dir(path), weightsFile)); err != nil || info.Size() != m.Size() {
		t.Errorf("%s: %v has not the size %d, %v", dir, info, m.Size(), err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	ins, outs, err := ort.GetInputOutputInfo(path)
	if err != nil {
		t.Fatal(dir, err)
	}
	var names []string
	var values []ort.Value
	var pinner runtime.Pinner
	defer pinner.Unpin()
	tensor := func(shape ort.Shape, data any) ort.Value {
		var v ort.Value
		var err error
		switch data := data.(type) {
		case []int64:
			pinner.Pin(&data[0])
			v, err = ort.NewTensor(shape, data)
		case []float32:
			pinner.Pin(&data[0])
			v, err = ort.NewTensor(shape, data)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { v.Destroy() })
		return v
	}
	for _, i := range ins {
		rows := map[string][][]int64{inputIDs: in.IDs, inputMask: in.Mask, inputTypes: in.Types}[i.Name]
		names = append(names, i.Name)
		values = append(values, tensor(ort.NewShape(int64(len(rows)), int64(len(rows[0]))), slices.Concat(rows...)))
	}
	s, err := ort.NewDynamicAdvancedSession(path, names, []string{outs[0].Name}, nil)
	if err != nil {
		t.Fatal(dir, err)
	}
	defer s.Destroy()
	out := make([]float32, len(in.Output))
	if err := s.Run(values, []ort.Value{tensor(ort.NewShape(in.Shape...), out)}); err != nil {
		t.Fatal(dir, err)
	}
	return out
}

func readGolden(t testing.TB, dir string) (g golden) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "golden.json"))
	if err == nil {
		err = json.Unmarshal(data, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// farthestApart is the largest difference between two lists of numbers.
func farthestApart(a, b []float32) (d float64) {
	for i := range a {
		// Written so that a NaN is far from everything.
		if x := math.Abs(float64(a[i] - b[i])); !(x <= d) {
			d = x
		}
	}
	return d
}

// TestOutputs: every kind of model, with its head and without, gives for ids, a mask with padding, and types what transformers gives.
func TestOutputs(t *testing.T) {
	library(t)
	for _, dir := range models(t) {
		g := readGolden(t, dir)
		if d := farthestApart(run(t, dir, g), g.Output); !(d < 2e-5) {
			t.Errorf("%s: differs by %.2g", dir, d)
		}
	}
}

func TestBuckets(t *testing.T) {
	data, err := os.ReadFile("testdata/buckets.json")
	var want map[int][]int
	if err == nil {
		err = json.Unmarshal(data, &want)
	}
	if err != nil || len(want) == 0 {
		t.Fatal(want, err)
	}
	for buckets, list := range want {
		for i, w := range list {
			if got := bucket(i-len(list)/2, buckets); got != w {
				t.Errorf("of %d buckets, distance %d: %d, want %d", buckets, i-len(list)/2, got, w)
			}
		}
	}
}

// Every distance has a bucket that there is, whatever number of them config.json may say.
func TestBucketsInRange(t *testing.T) {
	for buckets := 4; buckets <= maxBuckets; buckets++ {
		for _, distance := range []int{0, 1, 2, 63, 126, 127, 128, 129, 1000, 1<<20 - 1} {
			for _, d := range []int{distance, -distance} {
				if at := bucket(d, buckets); at < 0 || at >= buckets {
					t.Fatalf("of %d buckets, distance %d: %d", buckets, d, at)
				}
			}
		}
	}
}
