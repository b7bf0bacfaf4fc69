package text

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pgowl/pgowl/models/text/names"
)

func TestStore(t *testing.T) {
	dir := t.TempDir()
	tiny().write(t, filepath.Join(dir, "one"))
	tiny().write(t, filepath.Join(dir, "sentence-transformers", "two"))
	tiny().write(t, filepath.Join(dir, "BAAI", "three"))
	s := NewStore(StoreOptions{Dir: dir, Library: library(t), CacheBytes: 1 << 20})
	defer s.Close()
	for _, pair := range [][2]string{{"one", "sentence-transformers/one"}, {"two", "sentence-transformers/two"}, {"BAAI/three", "BAAI/three"}} {
		a, errA := s.Embedder(context.Background(), pair[0])
		b, errB := s.Embedder(context.Background(), pair[1])
		if errA != nil || errB != nil || a != b {
			t.Errorf("%v: %v %v", pair, errA, errB)
		}
	}
	if list, err := s.List(); err != nil || !slices.Equal(list, []string{"BAAI/three", "one", "two"}) {
		t.Errorf("list %q %v", list, err)
	}
	e, _ := s.Embedder(context.Background(), "one")
	first := slices.Clone(embedOne(t, e, "hello", EmbedOptions{}))
	if s.cache.recent.Len() != 1 {
		t.Errorf("%d vectors in the cache", s.cache.recent.Len())
	}
	if again := embedOne(t, e, "hello", EmbedOptions{}); !slices.Equal(again, first) {
		t.Errorf("from the cache %v, want %v", again, first)
	}
}

// slowSource has a model whose files come when they may.
type slowSource struct {
	dir  string
	come chan struct{}
}

func (s slowSource) Version(context.Context, names.Name) (string, error) { return "1", nil }

func (s slowSource) Folder(context.Context, names.Name, string) (string, func(), error) {
	<-s.come
	return s.dir, func() {}, nil
}

// TestStoreLoaded: who does not wait for a load begins it.
func TestStoreLoaded(t *testing.T) {
	source := slowSource{t.TempDir(), make(chan struct{})}
	tiny().write(t, source.dir)
	s := NewStore(StoreOptions{Library: library(t), Device: CPU, Source: source})
	defer s.Close()
	for range 2 {
		if s.Loaded("one", Variant{}) {
			t.Error("a model is said to be loaded that is not")
		}
	}
	if !s.Loaded("../one", Variant{}) {
		t.Error("a name that is none would be waited for")
	}
	if n := s.Stats().Loading; n != 0 {
		t.Errorf("%d wait", n)
	}
	close(source.come)
	if _, err := s.Embedder(t.Context(), "one"); err != nil {
		t.Fatal(err)
	}
	if !s.Loaded("one", Variant{}) {
		t.Error("a model is said not to be loaded that is")
	}
}

func TestStoreMissing(t *testing.T) {
	s := NewStore(StoreOptions{Dir: filepath.Join(t.TempDir(), "not there")})
	defer s.Close()
	for _, name := range []string{"all-MiniLM-L12-v2", "sentence-transformers/all-MiniLM-L12-v2", "BAAI/bge-small-en-v1.5"} {
		_, err := s.Embedder(context.Background(), name)
		var missing *MissingError
		if !errors.As(err, &missing) || !strings.HasSuffix(err.Error(), "pgowl models pull "+name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"", "..", "../../etc", "a/../../b", "/etc/passwd", "a\x00b"} {
		_, err := s.Embedder(context.Background(), name)
		var bad *names.Error
		if !errors.As(err, &bad) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if list, err := s.List(); err != nil || len(list) != 0 {
		t.Errorf("list %q %v", list, err)
	}
}

// TestStoreRetries: what failed is tried again, so a model that was pulled meanwhile is found, and a bad one that was mended.
func TestStoreRetries(t *testing.T) {
	dir := t.TempDir()
	s := NewStore(StoreOptions{Dir: dir, Library: library(t)})
	defer s.Close()
	if _, err := s.Embedder(context.Background(), "one"); err == nil {
		t.Fatal("found nothing, and no error")
	}
	tiny().with("tokenizer.json", "{").write(t, filepath.Join(dir, "one"))
	var bad *ModelError
	if _, err := s.Embedder(context.Background(), "one"); !errors.As(err, &bad) {
		t.Fatal(err)
	}
	tiny().write(t, filepath.Join(dir, "one"))
	if _, err := s.Embedder(context.Background(), "one"); err != nil {
		t.Fatal(err)
	}
}

func TestStoreWithoutLibrary(t *testing.T) {
	dir := t.TempDir()
	tiny().write(t, filepath.Join(dir, "one"))
	s := NewStore(StoreOptions{Dir: dir})
	defer s.Close()
	var missing *LibraryError
	if _, err := s.Embedder(context.Background(), "one"); !errors.As(err, &missing) {
		t.Error(err)
	}
}

func TestStoreLoadsOnce(t *testing.T) {
	dir := t.TempDir()
	tiny().write(t, filepath.Join(dir, "one"))
	s := NewStore(StoreOptions{Dir: dir, Library: library(t)})
	got := make([]*Embedder, 16)
	var group sync.WaitGroup
	for i := range got {
		group.Go(func() { got[i], _ = s.Embedder(context.Background(), "one") })
	}
	group.Wait()
	if got[0] == nil || slices.ContainsFunc(got, func(e *Embedder) bool { return e != got[0] }) {
		t.Errorf("not one embedder: %v", got)
	}
	cause := errors.New("gone")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(cause)
	tiny().write(t, filepath.Join(dir, "two"))
	if _, err := s.Embedder(ctx, "two"); err != nil && !errors.Is(err, cause) {
		t.Error(err)
	}
	s.Close()
	s.Close()
	if _, err := got[0].Embed(context.Background(), []string{"x"}, EmbedOptions{}); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if _, err := s.Embedder(context.Background(), "one"); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// A model's other graphs are asked for by name, and are models of their own.
func TestStoreGraphs(t *testing.T) {
	dir := t.TempDir()
	tiny().with("onnx/other.onnx", "testdata/nomask.onnx").write(t, filepath.Join(dir, "one"))
	s := NewStore(StoreOptions{Dir: dir, Library: library(t), CacheBytes: 1 << 20})
	defer s.Close()
	of := func(graph string) []float32 {
		t.Helper()
		v, err := s.Embed(t.Context(), "one", []string{"hello"}, EmbedOptions{Variant: Variant{Graph: graph}})
		if err != nil {
			t.Fatal(err)
		}
		return v[0]
	}
	usual := of("")
	if slices.Equal(of("other.onnx"), nil) || !slices.Equal(of("model.onnx"), usual) || !slices.Equal(of("onnx/model.onnx"), usual) {
		t.Error("another vector by the graph's own name")
	}
	_, err := s.Embed(t.Context(), "one", []string{"hello"}, EmbedOptions{Variant: Variant{Graph: "none.onnx"}})
	var missing *MissingError
	if !errors.As(err, &missing) || !strings.HasSuffix(err.Error(), "pgowl models pull one:none.onnx") {
		t.Error(err)
	}
}

// Models that nobody has asked for the longest make room; calls under way end well, and who asks again gets the model again.
func TestStoreMakesRoom(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"one", "two", "three"} {
		tiny().write(t, filepath.Join(dir, name))
	}
	size := graphSize(filepath.Join(dir, "one"), graphFiles)
	s := NewStore(StoreOptions{Dir: dir, Library: library(t), MemoryBytes: 2*size + 1})
	defer s.Close()
	loaded := func() (all []string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for key := range s.models {
			all = append(all, key.String())
		}
		slices.Sort(all)
		return all
	}
	for _, step := range []struct {
		ask  string
		left []string
	}{
		{"one", []string{"one"}}, {"two", []string{"one", "two"}}, {"one", []string{"one", "two"}},
		{"three", []string{"one", "three"}}, {"two", []string{"three", "two"}},
	} {
		if _, err := s.Embed(t.Context(), step.ask, []string{"hello"}, EmbedOptions{}); err != nil {
			t.Fatal(err)
		}
		if got := loaded(); !slices.Equal(got, step.left) {
			t.Fatalf("after %s there are %q, want %q", step.ask, got, step.left)
		}
	}
	var group sync.WaitGroup
	for session := range 8 {
		group.Go(func() {
			for i := range 30 {
				v, err := s.Embed(t.Context(), []string{"one", "two", "three"}[(session+i)%3], []string{"hello", "world"}, EmbedOptions{})
				if err != nil || len(v) != 2 || len(v[0]) != 4 {
					t.Errorf("%v %v", v, err)
				}
			}
		})
	}
	group.Wait()
	if got := loaded(); len(got) > 2 {
		t.Errorf("there are %q", got)
	}
}

// TestStoreFolderWithMetaCharacters: the folder's own name is no pattern.
func TestStoreFolderWithMetaCharacters(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "[a-b]*")
	tiny().write(t, filepath.Join(dir, "one"))
	if err := os.MkdirAll(filepath.Join(dir, ".part", "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	list, err := NewStore(StoreOptions{Dir: dir}).List()
	if err != nil || !slices.Equal(list, []string{"one"}) {
		t.Errorf("list %q %v", list, err)
	}
}
