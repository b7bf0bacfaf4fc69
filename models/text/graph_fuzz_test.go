package text

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pgowl/pgowl/models/text/onnxcheck"
)

// graphSeeds are the small graphs of the tests.
func graphSeeds(t testing.TB) (names []string, graphs [][]byte) {
	t.Helper()
	for _, pattern := range []string{"testdata/graphs/*.onnx", "testdata/*.onnx"} {
		found, _ := filepath.Glob(pattern)
		for _, name := range found {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			names, graphs = append(names, name), append(graphs, data)
		}
	}
	return names, graphs
}

// TestGraphSeeds: the graphs that FuzzGraph begins with pass the check, and run.
func TestGraphSeeds(t *testing.T) {
	testGraphSeeds(t, &runner{library: library(t)})
}

// TestGraphSeedsOpenVINO: so do those that are of float32 in OpenVINO.
func TestGraphSeedsOpenVINO(t *testing.T) {
	testGraphSeeds(t, &runner{library: library(t), vino: vinoLibrary(t)})
}

func testGraphSeeds(t *testing.T, r *runner) {
	defer r.stop()
	names, graphs := graphSeeds(t)
	for i, graph := range graphs {
		want := byte(graphRan)
		switch filepath.Base(names[i]) {
		case "pooledonly.onnx", "strange.onnx", "dynamic.onnx": // of other inputs and outputs than are wanted here
			want = graphRefused
		case "half.onnx", "fused.onnx": // which OpenVINO does not have
			if r.vino != "" {
				want = graphRefused
			}
		}
		if got, err := r.run(t, graph, time.Minute); err != nil || got != want {
			t.Errorf("%s: %c, %v", names[i], got, err)
		}
		if again := mutated(graph, graph, nil); !bytes.Equal(again, graph) {
			t.Errorf("%s is not itself after reading and writing", names[i])
		}
	}
}

// FuzzGraph: no graph that passes the check makes ONNX Runtime end its process. The graphs are changed by the messages that they consist of, so that many still make sense. PGOWL_GRAPHS names a folder
// for those that take too long.
func FuzzGraph(f *testing.F) { fuzzGraphs(f, &runner{library: library(f)}) }

// FuzzGraphOpenVINO is the same of OpenVINO, which gets what ONNX Runtime has run.
func FuzzGraphOpenVINO(f *testing.F) {
	fuzzGraphs(f, &runner{library: library(f), vino: vinoLibrary(f)})
}

func fuzzGraphs(f *testing.F, r *runner) {
	_, graphs := graphSeeds(f)
	for i := range graphs {
		f.Add(byte(i), byte(i+1), []byte{})
		f.Add(byte(i), byte(i+3), []byte{0, byte(7 * i), 3, 0, 0, 9, 0, byte(i), 6, 1, 2, 0, 30, 8, 0, 3, 0, 1, 5, 3})
	}
	f.Cleanup(r.stop)
	f.Fuzz(func(t *testing.T, which, other byte, how []byte) {
		graph := mutated(graphs[int(which)%len(graphs)], graphs[int(other)%len(graphs)], how)
		runGraphIn(t, r, graph)
	})
}

// runGraphIn is a graph's way through the check and, where it passes, through ONNX Runtime.
func runGraphIn(t *testing.T, r *runner, graph []byte) {
	t.Helper()
	_, err := onnxcheck.Reader(bytes.NewReader(graph), int64(len(graph)), func(name string) (int64, error) {
		if name == "outside.onnx_data" {
			return 512, nil
		}
		return 0, os.ErrNotExist
	})
	if err != nil {
		return
	}
	_, err = r.run(t, graph, 8*time.Second)
	if err == nil {
		return
	}
	keep := func(graph []byte) string {
		folder := os.Getenv("PGOWL_GRAPHS")
		if folder == "" {
			folder = os.TempDir()
		}
		sum := sha256.Sum256(graph)
		name := filepath.Join(folder, "graph-"+hex.EncodeToString(sum[:6])+".onnx")
		os.WriteFile(name, graph, 0o644)
		return name
	}
	if errors.Is(err, errHung) {
		t.Logf("%v: %s", err, keep(graph))
		return
	}
	t.Fatalf("%v\nthe graph is %s", err, keep(graph))
}
