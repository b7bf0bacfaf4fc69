package text

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/pgowl/pgowl/models/text/names"
)

// Source has models that are not in the model folder. It is safe for use by several goroutines.
type Source interface {
	// Version tells which version of a model there is; empty: none.
	Version(ctx context.Context, name names.Name) (string, error)
	// Folder lays out a version, whose files are checked, as a model folder has it. The store calls loaded when it has read the files.
	Folder(ctx context.Context, name names.Name, version string) (dir string, loaded func(), err error)
}

// freshness is how long a source is not asked again whether it has another version of a model that is in use.
const freshness = 10 * time.Second

// located is where a model's files are.
type located struct {
	dir     string
	version string // of the source; empty: in the model folder
	loaded  func()
}

// locate finds the files of a model: in the model folder, else in the source.
func (s *Store) locate(key modelKey) (located, error) {
	dir, err := s.find(key.name)
	has := func(dir string) bool { return key.Graph == "" || findGraph(dir, key.files()) != "" }
	if err == nil && has(dir) {
		return located{dir: dir, loaded: func() {}}, nil
	}
	var missing *MissingError
	if err == nil {
		err = &MissingError{Name: key.name.String(), Graph: key.Graph}
	} else if !errors.As(err, &missing) {
		return located{}, err
	}
	if s.options.Source == nil {
		return located{}, err
	}
	version, problem := s.options.Source.Version(s.context, key.name)
	switch {
	case problem != nil:
		return located{}, problem
	case version == "":
		return located{}, err
	}
	p := located{version: version}
	if p.dir, p.loaded, problem = s.options.Source.Folder(s.context, key.name, version); problem != nil {
		return located{}, problem
	}
	if !has(p.dir) {
		p.loaded()
		return located{}, &MissingError{Name: key.name.String(), Graph: key.Graph}
	}
	return p, nil
}

// maxStamped is more than a model's folder has of files.
const maxStamped = 1000

// revision tells the files of one revision of a model from those of another, for the cache: those of the source by its version, those of the folder by when they were written.
func (p located) revision() string {
	if p.version != "" {
		return p.version
	}
	h := sha256.New()
	files := 0
	root := os.DirFS(p.dir)
	// What cannot be read does not count: nor could the model have been loaded from it.
	_ = fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		if files++; files > maxStamped {
			return fs.SkipAll
		}
		if info, err := fs.Stat(root, path); err == nil { // behind a link, too
			fmt.Fprintf(h, "%q %d %d\n", path, info.ModTime().UnixNano(), info.Size())
		}
		return nil
	})
	return hex.EncodeToString(h.Sum(nil))
}

// freshen has a model of the source looked after, if that is due and nobody is about it. The store is locked.
func (s *Store) freshen(key modelKey, l *loading) {
	if l.version == "" || l.refreshing || time.Since(l.checked) < freshness || s.closed {
		return
	}
	l.checked, l.refreshing = time.Now(), true
	s.loaders.Go(func() {
		s.refresh(key, l)
		s.mu.Lock()
		defer s.mu.Unlock()
		l.refreshing = false
	})
}

// refresh takes the source's version of a model in the place of a loaded one, if it is another. Calls go on with the old one until the new one is loaded; one that cannot be
// loaded leaves the old one, and is not tried again until there is another.
func (s *Store) refresh(key modelKey, l *loading) {
	version, err := s.options.Source.Version(s.context, key.name)
	s.mu.Lock()
	same := version == l.version || version == l.refused && version != ""
	s.mu.Unlock()
	if err != nil || same {
		return
	}
	var next *loading
	if version != "" {
		next = &loading{done: make(chan struct{})}
		close(next.done)
		if next.embedder, next.version, next.bytes, err = s.open(key); err != nil {
			s.refuse(key, l, version, err)
			return
		}
		next.checked, next.copied = time.Now(), next.embedder.session.alone != nil
	}
	s.mu.Lock()
	switch {
	case s.closed || s.models[key] != l: // it was put out meanwhile
		l = next
	case next == nil:
		delete(s.models, key)
	default:
		next.asked = l.asked
		s.models[key] = next
		s.makeRoom(next)
	}
	s.mu.Unlock()
	if l != nil {
		s.discard(l) // waits for the calls under way
	}
}

// refuse notes a version that cannot be loaded, where that is its files' fault: what else goes wrong may not go wrong the next time.
func (s *Store) refuse(key modelKey, l *loading, version string, err error) {
	var model *ModelError
	var missing *MissingError
	if !errors.As(err, &model) && !errors.As(err, &missing) {
		return
	}
	s.mu.Lock()
	l.refused = version
	s.mu.Unlock()
	if s.options.Refused != nil {
		s.options.Refused(key.String(), err)
	}
}

// Refresh asks the source at once whether it has other versions of the models that are loaded, and waits until these are.
func (s *Store) Refresh() {
	if s.options.Source == nil {
		return
	}
	s.mu.Lock()
	stale := map[modelKey]*loading{}
	for key, l := range s.models {
		if l.version != "" {
			stale[key] = l
		}
	}
	s.mu.Unlock()
	for key, l := range stale {
		s.refresh(key, l)
	}
}
