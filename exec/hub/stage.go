package hub

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/pgowl/pgowl/models/text/names"
	"github.com/pgowl/pgowl/models/text/onnxgraph"
)

// stage is where a model is put together: a folder of its own inside the model folder, so that publishing it is a rename. It
// outlives an attempt that fails; the next one goes on with it.
type stage struct {
	dir  string
	lock *os.File
}

// openStage opens the stage of a model, for one process at a time.
func openStage(modelDir string, name names.Name) (*stage, error) {
	// The leading dot keeps it from being taken for a model's folder, as no name begins with one.
	parent := filepath.Join(modelDir, ".pull")
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, err
	}
	s := &stage{dir: filepath.Join(parent, strings.ReplaceAll(name.Repository(), "/", "--"))}
	lock, err := os.OpenFile(s.dir+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	s.lock = lock
	// The kernel frees the lock when the process ends, however it ends.
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s is being pulled by another process", name)
		}
		return nil, fmt.Errorf("lock of %s: %w", name, err)
	}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		lock.Close()
		return nil, err
	}
	return s, nil
}

func (s *stage) close() { s.lock.Close() }

func (s *stage) path(f file) string { return filepath.Join(s.dir, filepath.FromSlash(f.name)) }
func (s *stage) part(f file) string { return s.path(f) + ".part" }

// has tells whether the file lies in the stage and is the right one.
func (s *stage) has(f file) bool { return f.checkable() && f.check(s.path(f)) == nil }

// adopt takes the file over from the model's folder if it has the right one.
func (s *stage) adopt(final string, f file) error {
	old := filepath.Join(final, filepath.FromSlash(f.name))
	if !f.checkable() || s.has(f) || f.check(old) != nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(s.path(f)), 0o755); err != nil {
		return err
	}
	if os.Link(old, s.path(f)) != nil {
		return nil // no links here: it is downloaded again
	}
	return nil
}

// openPart opens what there is of a file, for appending.
func (s *stage) openPart(f file) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(s.path(f)), 0o755); err != nil {
		return nil, err
	}
	return os.OpenFile(s.part(f), os.O_CREATE|os.O_RDWR, 0o644)
}

// drop removes what there is of a file.
func (s *stage) drop(f file) {
	os.Remove(s.part(f)) // most often it is not there
	os.Remove(s.path(f))
}

func (s *stage) partSize(f file) int64 {
	info, err := os.Stat(s.part(f))
	if err != nil {
		return 0
	}
	return info.Size()
}

// finish checks a complete part and gives it its name. A wrong one is removed.
func (s *stage) finish(f file) error {
	if err := f.check(s.part(f)); err != nil {
		if errors.As(err, new(*ChecksumError)) {
			os.Remove(s.part(f))
		}
		return err
	}
	return os.Rename(s.part(f), s.path(f))
}

// writable tells whether a graph can be written for the weights of the model in the stage, by its config.json.
func (s *stage) writable() error {
	config, err := os.Open(filepath.Join(s.dir, "config.json"))
	if err != nil {
		return err
	}
	defer config.Close()
	data, err := io.ReadAll(io.LimitReader(config, maxConfig))
	if err != nil {
		return err
	}
	return onnxgraph.Check(data)
}

// maxConfig is how much of a config.json is read.
const maxConfig = 16 << 20

// publish makes the stage the model's folder: by one rename when there is none yet, else by two, between which the model is missing.
func (s *stage) publish(final string) error {
	if err := os.MkdirAll(filepath.Dir(final), 0o755); err != nil {
		return err
	}
	old := s.dir + ".old"
	if err := os.RemoveAll(old); err != nil {
		return err
	}
	if err := os.Rename(final, old); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(s.dir, final); err != nil {
		os.Rename(old, final) // put back what was there; the first error is the one to tell
		return err
	}
	return os.RemoveAll(old)
}

// sweep removes from the stage what an earlier attempt, at another revision, has left.
func (s *stage) sweep(files []file) error {
	keep := map[string]bool{}
	for _, f := range files {
		keep[s.path(f)] = true
	}
	return filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || keep[path] {
			return err
		}
		return os.Remove(path)
	})
}

// complete tells whether a folder has all the files as the hub has them.
func complete(folder string, files []file) bool {
	for _, f := range files {
		if !f.checkable() || f.check(filepath.Join(folder, filepath.FromSlash(f.name))) != nil {
			return false
		}
	}
	return true
}

// checkable tells whether the hub gave a sum.
func (f *file) checkable() bool { return f.sha256 != nil || f.blob != nil }

// check compares a file on disk with what the hub says. A difference is a *ChecksumError.
func (f *file) check(path string) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	if f.size >= 0 && info.Size() != f.size {
		return &ChecksumError{File: f.name}
	}
	var h hash.Hash
	var want []byte
	switch {
	case f.sha256 != nil:
		h, want = sha256.New(), f.sha256
	case f.blob != nil: // git's object id, which covers a header with the size
		h, want = sha1.New(), f.blob
		fmt.Fprintf(h, "blob %d\x00", info.Size())
	default:
		return nil
	}
	if _, err := io.Copy(h, in); err != nil {
		return err
	}
	if !bytes.Equal(h.Sum(nil), want) {
		return &ChecksumError{File: f.name}
	}
	return nil
}
