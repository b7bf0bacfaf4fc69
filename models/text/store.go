package text

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pgowl/pgowl/models/text/names"
)

// Store is the model folder: it loads a model when it is first asked for and keeps it for everybody. It is safe for use by several
// goroutines.
type Store struct {
	options StoreOptions
	cache   *cache

	mu      sync.Mutex
	models  map[modelKey]*loading
	asked   uint64 // how often a model was
	closed  bool
	placed  map[Device]*placing     // where what was asked for comes to
	unfits  map[modelKey]struct{}   // models that auto keeps off the GPU, as they could not be loaded onto it
	gone    served                  // by models that have been put out
	waiting atomic.Int64            // callers that wait for a load
	runtime atomic.Pointer[Runtime] // nil until a model has been asked for
	loaders sync.WaitGroup

	context context.Context // of the loads; done when the store is closed
	cancel  context.CancelCauseFunc
}

// modelKey is a model's name and which variant of it, with a device and a precision: what comes to the same is the same key.
type modelKey struct {
	name names.Name
	Variant
}

func (k modelKey) String() string { return k.name.String() + k.suffix() }

// loading is a model that is loaded or on its way.
type loading struct {
	done     chan struct{} // closed when embedder and err are set
	embedder *Embedder
	err      error

	// guarded by the store
	asked  uint64 // when it was asked for last
	bytes  int64  // of its files; 0 until it is loaded
	copied bool   // its graph is in memory once more

	version    string    // of the source; empty: it is of the model folder
	checked    time.Time // when the source was asked for its version
	refreshing bool      // it is being asked, or another version is being loaded
	refused    string    // a later version that could not be loaded
}

// NewStore makes a Store. It touches neither the folder nor the library.
func NewStore(o StoreOptions) *Store {
	s := &Store{options: o, cache: newCache(o.CacheBytes), models: map[modelKey]*loading{}, placed: map[Device]*placing{}}
	s.context, s.cancel = context.WithCancelCause(context.Background())
	return s
}

// Embedder returns the model of a name, such as all-MiniLM-L6-v2 or sentence-transformers/all-MiniLM-L6-v2, which are the same one.
// The first call for a model loads it, which takes up to some seconds; others that come meanwhile wait for the same load. A load
// that fails is tried again by the next call. The error is a *names.Error, *MissingError, *LibraryError, *ModelError, which may be of a *PrecisionError, or ctx's cause. The
// Embedder belongs to the Store: don't close it. When the store has put it out for another one its calls fail with ErrClosed; Embed asks again then.
func (s *Store) Embedder(ctx context.Context, name string) (*Embedder, error) {
	return s.embedder(ctx, name, Variant{})
}

// Loaded begins to load a model, unless it is loaded, and tells whether a call for it will not wait for that: it is loaded, or there is an error to be had at once.
func (s *Store) Loaded(name string, v Variant) bool {
	_, err := s.embedder(unwilling, name, v)
	return err != errLoading
}

// unwilling is the context of who does not wait for a load.
var unwilling, errLoading = func() (context.Context, error) {
	ctx, cancel := context.WithCancelCause(context.Background())
	err := errors.New("the model is being loaded")
	cancel(err)
	return ctx, err
}()

func (s *Store) embedder(ctx context.Context, name string, v Variant) (*Embedder, error) {
	parsed, err := names.Parse(name)
	if err != nil {
		return nil, err
	}
	if v.Device == "" {
		v.Device = s.options.Device
	}
	if v.Device == "" {
		v.Device = Auto
	}
	if v.Device != CPU {
		if v.Device, err = s.choose(ctx, v.Device); err != nil {
			return nil, err
		}
	}
	key := modelKey{parsed, s.variant(v)}
	if s.unfit(key) {
		key.Device = CPU
	}
	e, err := s.get(ctx, key)
	var missing *MissingError
	switch {
	case errors.As(err, &missing):
		return nil, &MissingError{Name: name, Graph: missing.Graph} // as this caller spelt it
	case err == nil || key.Device == CPU || ctx.Err() != nil || !errors.As(err, new(*ModelError)):
		return e, err // what else can go wrong, as with a source that cannot be reached, is not the card's fault
	}
	// The card has no room for it, or cannot do it.
	onCard := key
	key.Device = CPU
	if e, errCPU := s.get(ctx, key); errCPU == nil {
		s.setUnfit(onCard, err)
		return e, nil
	}
	return nil, err
}

// get gives a model; what it asks for is settled.
func (s *Store) get(ctx context.Context, key modelKey) (*Embedder, error) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, ErrClosed
	}
	l := s.models[key]
	if l == nil {
		l = &loading{done: make(chan struct{})}
		s.models[key] = l
		// In its own goroutine, so that it goes on when the caller that began it goes away.
		s.loaders.Go(func() { s.load(key, l) })
	}
	s.asked++
	l.asked = s.asked
	s.freshen(key, l)
	s.mu.Unlock()
	if err := s.await(ctx, l.done); err != nil {
		return nil, err
	}
	return l.embedder, l.err
}

// variant says what a variant with a device comes to, so that the same one is loaded once.
func (s *Store) variant(v Variant) Variant {
	if v.Precision == "" && v.Graph == "" { // a graph that is asked for by name is run as it is written
		v.Precision = s.options.Precision
	}
	if v.Precision == "" {
		v.Precision = Float32
	}
	if v.Graph == graphFiles[1] && v.Precision == Float32 { // it is looked for in the places where the usual one is
		v.Graph = ""
	}
	return v
}

// await waits for a load.
func (s *Store) await(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	default:
	}
	s.waiting.Add(1)
	defer s.waiting.Add(-1)
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Embed is that of a model's Embedder. Errors: as Embedder's and its Embed's, and *RevisionError.
func (s *Store) Embed(ctx context.Context, name string, texts []string, o EmbedOptions) (vectors [][]float32, err error) {
	err = s.with(ctx, name, o.Variant, o.Revision, func(e *Embedder) (err error) {
		vectors, err = e.Embed(ctx, texts, o)
		return err
	})
	return vectors, err
}

// Revision tells the revision of a model that calls with a variant get, by a text that is the same on all machines: "commit ..." or "version ...". Revisions of the one kind can be told from each other, those
// of different kinds cannot, and empty is one that is not known. Errors: as Embedder's.
func (s *Store) Revision(ctx context.Context, name string, v Variant) (string, error) {
	e, err := s.embedder(ctx, name, v)
	if err != nil {
		return "", err
	}
	return e.revision(), nil
}

// Rank is that of a model's Embedder. Errors: as Embedder's and its Rank's, and *RevisionError.
func (s *Store) Rank(ctx context.Context, name, query string, documents []string, o RankOptions) (ranked []Ranked, cross bool, err error) {
	err = s.with(ctx, name, o.Variant, o.Revision, func(e *Embedder) (err error) {
		ranked, cross, err = e.Rank(ctx, query, documents, o)
		return err
	})
	return ranked, cross, err
}

// with does something with a model.
func (s *Store) with(ctx context.Context, name string, v Variant, revision string, f func(e *Embedder) error) error {
	for {
		e, err := s.embedder(ctx, name, v)
		if err != nil {
			return err
		}
		if revision != "" && !e.origin.is(revision) {
			return &RevisionError{name, revision, e.origin}
		}
		if err := f(e); err != ErrClosed {
			return err
		}
		// It was put out between the two: it is loaded again, unless the store itself was closed.
	}
}

func (s *Store) load(key modelKey, l *loading) {
	var bytes int64
	var version string
	l.embedder, version, bytes, l.err = s.open(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.bytes, l.version, l.checked = bytes, version, time.Now(); l.err != nil {
		delete(s.models, key)
	} else {
		l.copied = l.embedder.session.alone != nil
		s.makeRoom(l)
	}
	close(l.done)
}

// open loads a model, and tells the source's version of it and the size of its files.
func (s *Store) open(key modelKey) (*Embedder, string, int64, error) {
	p, err := s.locate(key)
	if err != nil {
		return nil, "", 0, err
	}
	defer p.loaded()
	runtime, err := LoadRuntime(s.options.Library)
	if err != nil {
		return nil, "", 0, err
	}
	s.runtime.Store(runtime)
	e, err := Open(p.dir, Options{Runtime: runtime, Name: key.String(), Variant: key.Variant, Processors: s.options.Processors, TokenBudget: s.options.TokenBudget,
		Threads: aloneThreads})
	if err != nil {
		return nil, "", 0, err
	}
	e.cache, e.version = s.cache, p.version
	e.cacheName += "\x00" + p.revision()
	if instructors[key.name.Repository()] {
		e.settings.skipPrompt = true
	}
	return e, p.version, max(1, graphSize(p.dir, key.files())), nil
}

// instructors are the models whose instruction does not take part in the pooling, though their files do not say so; sentence-transformers knows them by their names.
var instructors = map[string]bool{"hkunlp/instructor-base": true, "hkunlp/instructor-large": true, "hkunlp/instructor-xl": true}

// Close frees all models and waits for the loads and calls under way. Later calls fail with ErrClosed. It may be called twice.
func (s *Store) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel(ErrClosed)
	s.loaders.Wait()
	s.mu.Lock()
	left := slices.Collect(maps.Values(s.models))
	clear(s.models)
	s.mu.Unlock()
	for _, l := range left {
		s.discard(l) // waits for the calls under way
	}
	return nil
}
