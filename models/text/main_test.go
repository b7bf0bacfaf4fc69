package text

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
)

// TestMain fails when a test leaves a goroutine behind.
func TestMain(m *testing.M) {
	if os.Getenv(runnerVariable) != "" {
		os.Exit(runGraphs())
	}
	if os.Getenv(silentVariable) != "" {
		os.Exit(embedOnce())
	}
	code := m.Run()
	if leaked := leakedGoroutines(); code == 0 && leaked != "" {
		fmt.Fprintln(os.Stderr, "goroutines left behind:\n"+leaked)
		code = 1
	}
	os.Exit(code)
}

// leakedGoroutines returns the stacks of this package's goroutines other than the caller's. One that has done its work may still be on
// its way out, so it gives the others some turns first.
func leakedGoroutines() string {
	for turn := 0; ; turn++ {
		var all strings.Builder
		pprof.Lookup("goroutine").WriteTo(&all, 1)
		var ours []string
		for _, stack := range strings.Split(all.String(), "\n\n") {
			if strings.Contains(stack, "/models/text.") && !strings.Contains(stack, "leakedGoroutines") {
				ours = append(ours, stack)
			}
		}
		if len(ours) == 0 || turn == 1000 {
			return strings.Join(ours, "\n\n")
		}
		runtime.Gosched()
	}
}

// dataFolder is where the settings put what set-up fetches.
func dataFolder() string {
	if d := os.Getenv("PGOWL_DATA"); d != "" {
		return d
	}
	if d := os.Getenv("XDG_DATA_HOME"); d != "" {
		return filepath.Join(d, "pgowl")
	}
	home, _ := os.UserHomeDir()
	return filepath.Join(home, ".local", "share", "pgowl")
}

func modelFolder() string {
	if d := os.Getenv("PGOWL_MODELS"); d != "" {
		return d
	}
	return filepath.Join(dataFolder(), "models")
}

// library is the path of ONNX Runtime; without one the test is skipped.
func library(t testing.TB) string {
	t.Helper()
	path := os.Getenv("PGOWL_ONNXRUNTIME")
	if path == "" {
		path = FindLibrary(dataFolder())
	}
	if path == "" {
		t.Skip("ONNX Runtime is not installed: run make setup")
	}
	return path
}

func loaded(t testing.TB) *Runtime {
	t.Helper()
	r, err := LoadRuntime(library(t))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// miniLM is the real model; without it the test is skipped.
func miniLM(t testing.TB) *Embedder {
	t.Helper()
	return miniLMWith(t, Options{})
}

// miniLMWith is miniLM with some options.
func miniLMWith(t testing.TB, o Options) *Embedder {
	t.Helper()
	dir := filepath.Join(modelFolder(), "all-MiniLM-L6-v2")
	if _, err := os.Stat(filepath.Join(dir, "onnx", "model.onnx")); err != nil {
		t.Skip("all-MiniLM-L6-v2 is not in the model folder: run make setup")
	}
	o.Runtime, o.Name = loaded(t), "all-MiniLM-L6-v2"
	e, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// files are a model folder by path; a content that begins with testdata/ or tokenize/ is a file to copy.
type files map[string]string

// tiny is a model of four numbers a token: [id, -id, id mod 7, 1], with the tokenizer of tokenize/testdata.
func tiny() files {
	return files{
		"config.json":           `{"hidden_size":4,"vocab_size":154,"max_position_embeddings":32}`,
		"tokenizer.json":        "tokenize/testdata/uncased.json",
		"modules.json":          `[{"type":"sentence_transformers.models.Transformer","path":""},{"type":"sentence_transformers.models.Pooling","path":"1_Pooling"}]`,
		"1_Pooling/config.json": `{"pooling_mode_mean_tokens":true}`,
		"onnx/model.onnx":       "testdata/tiny.onnx",
	}
}

// write lays the files out in dir.
func (f files) write(t testing.TB, dir string) {
	t.Helper()
	for name, content := range f {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		data := []byte(content)
		if strings.HasPrefix(content, "testdata/") || strings.HasPrefix(content, "tokenize/") {
			var err error
			if data, err = os.ReadFile(content); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// with returns a copy with other contents for some files; "" takes a file away.
func (f files) with(pairs ...string) files {
	c := files{}
	for k, v := range f {
		c[k] = v
	}
	for i := 0; i < len(pairs); i += 2 {
		if c[pairs[i]] = pairs[i+1]; pairs[i+1] == "" {
			delete(c, pairs[i])
		}
	}
	return c
}

// vinoLibrary is the path of OpenVINO; without one the test is skipped.
func vinoLibrary(t testing.TB) string {
	t.Helper()
	path := os.Getenv("PGOWL_OPENVINO")
	if path == "" {
		path = FindOpenVINO(dataFolder())
	}
	if path == "" {
		t.Skip("OpenVINO is not installed: run make setup-openvino")
	}
	return path
}

// vinoBFloat16 is the same on a processor that computes in bfloat16.
func vinoBFloat16(t testing.TB) string {
	t.Helper()
	path := vinoLibrary(t)
	_, able, has, err := TryOpenVINO(path)
	if err != nil {
		t.Fatal(err)
	}
	if !able {
		t.Skipf("no bfloat16: the processor has %s", has)
	}
	return path
}
