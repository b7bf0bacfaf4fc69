package text

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pgowl/pgowl/models/text/names"
)

// folders is a source of one model: its version is the name of the folder below dir that has it. It counts what it is asked, and waits where gate is not nil.
type folders struct {
	dir string

	mu      sync.Mutex
	version string
	asked   int
	laid    []string
	gate    chan struct{}
}

func (f *folders) set(version string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.version = version
}

func (f *folders) Version(context.Context, names.Name) (string, error) {
	f.mu.Lock()
	f.asked++
	version, gate := f.version, f.gate
	f.mu.Unlock()
	if gate != nil {
		<-gate
	}
	return version, nil
}

func (f *folders) Folder(_ context.Context, _ names.Name, version string) (string, func(), error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.laid = append(f.laid, version)
	return filepath.Join(f.dir, version), func() {}, nil
}

// overdue makes the store think that it has asked its source long ago.
func (s *Store) overdue() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.models {
		l.checked = time.Now().Add(-2 * freshness)
	}
}

// A version that cannot be loaded leaves the one that is, is told once, and is not tried again: loading takes seconds. The next one is.
func TestRefreshRefused(t *testing.T) {
	source := &folders{dir: t.TempDir(), version: "good"}
	tiny().write(t, filepath.Join(source.dir, "good"))
	tiny().with("tokenizer.json", "{").write(t, filepath.Join(source.dir, "bad"))
	tiny().with("1_Pooling/config.json", `{"pooling_mode":"max"}`).write(t, filepath.Join(source.dir, "better"))
	var refused []error
	s := NewStore(StoreOptions{Dir: t.TempDir(), Library: library(t), Source: source, Refused: func(model string, err error) {
		if model != "one" {
			t.Errorf("told of %q", model)
		}
		refused = append(refused, err)
	}})
	defer s.Close()
	of := func() []float32 {
		t.Helper()
		v, err := s.Embed(t.Context(), "one", []string{"hello world"}, EmbedOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return v[0]
	}
	good := of()
	source.set("bad")
	for range 3 {
		s.Refresh()
		if !slices.Equal(of(), good) {
			t.Error("another vector")
		}
	}
	var model *ModelError
	if len(refused) != 1 || !errors.As(refused[0], &model) || !slices.Equal(source.laid, []string{"good", "bad"}) {
		t.Errorf("told %v; fetched %q", refused, source.laid)
	}
	source.set("better")
	s.Refresh()
	if slices.Equal(of(), good) || len(refused) != 1 {
		t.Errorf("the same vector, told %v", refused)
	}
}

// A source that does not answer is asked by one goroutine, however long that takes.
func TestRefreshOnce(t *testing.T) {
	source := &folders{dir: t.TempDir(), version: "good"}
	tiny().write(t, filepath.Join(source.dir, "good"))
	s := NewStore(StoreOptions{Dir: t.TempDir(), Library: library(t), Source: source})
	defer s.Close()
	ask := func() {
		t.Helper()
		if _, err := s.Embedder(t.Context(), "one"); err != nil {
			t.Fatal(err)
		}
	}
	ask()
	gate := make(chan struct{})
	source.mu.Lock()
	source.gate = gate
	source.mu.Unlock()
	for range 3 {
		s.overdue()
		ask()
	}
	close(gate)
	s.loaders.Wait()
	if source.asked != 2 {
		t.Errorf("asked %d times, want once for the load and once for the refresh", source.asked)
	}
	s.overdue()
	ask()
	s.loaders.Wait()
	if source.asked != 3 {
		t.Errorf("asked %d times", source.asked)
	}
}

// The cache tells revisions apart by every file of the folder: a vector hangs on the tokenizer and on the steps as much as on the graph.
func TestCacheRevision(t *testing.T) {
	dir := t.TempDir()
	tiny().with("2_Dense/config.json", "{}").write(t, dir)
	p := located{dir: dir}
	before := p.revision()
	if p.revision() != before {
		t.Error("another one of the same files")
	}
	for _, name := range []string{"tokenizer.json", "onnx/model.onnx", "2_Dense/config.json", "1_Pooling/config.json"} {
		then := time.Now().Add(time.Duration(len(name)) * time.Hour)
		if err := os.Chtimes(filepath.Join(dir, filepath.FromSlash(name)), then, then); err != nil {
			t.Fatal(err)
		}
		after := p.revision()
		if after == before {
			t.Errorf("%s was written, and the revision is the same", name)
		}
		before = after
	}
}

// ClearGPU begins nothing in a store that is closed: Close has waited for all there was.
func TestClearGPUClosed(t *testing.T) {
	pretend(t, 0, nil)
	s := NewStore(StoreOptions{Dir: t.TempDir(), Library: library(t)})
	s.Close()
	if _, err := s.ClearGPU(t.Context(), 0); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}
