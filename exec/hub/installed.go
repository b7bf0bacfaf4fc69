package hub

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/pgowl/pgowl/models/text/names"
)

// Installed is a model in the model folder.
type Installed struct {
	Name     string
	Bytes    int64  // of all its files
	Revision string // that was pulled, and Commit what it was; both empty for a model that came in another way
	Commit   string
}

// NotInstalledError is a model that is not in the model folder.
type NotInstalledError struct{ Name string }

func (e *NotInstalledError) Error() string {
	return fmt.Sprintf("%s is not in the model folder", e.Name)
}

// Describe tells of a model. Errors: *names.Error, *NotInstalledError, those of files.
func Describe(dir, name string) (Installed, error) {
	n, folder, err := find(dir, name)
	if err != nil {
		return Installed{}, err
	}
	m := Installed{Name: n.String()}
	r, err := readReceipt(folder)
	if err != nil {
		return m, err
	}
	if r != nil {
		m.Revision, m.Commit = r.Revision, r.Commit
	}
	return m, walk(folder, func(_ string, size int64) { m.Bytes += size })
}

// ErrNoReceipt says that a model was not pulled, so that nothing tells what it should be.
var ErrNoReceipt = errors.New("it was not pulled by pgowl, so there are no checksums to compare with")

// Verify reads a model's files and compares them with what was pulled. It returns what is wrong, a line each: files that are missing, are others, or that
// the hub did not have. Errors: as Describe's, ErrNoReceipt, ctx's cause.
func Verify(ctx context.Context, dir, name string) (wrong []string, err error) {
	_, folder, err := find(dir, name)
	if err != nil {
		return nil, err
	}
	r, err := readReceipt(folder)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, ErrNoReceipt
	}
	for file, want := range r.Files {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		switch size, sum, err := hashFile(filepath.Join(folder, filepath.FromSlash(file))); {
		case errors.Is(err, fs.ErrNotExist):
			wrong = append(wrong, file+" is missing")
		case err != nil:
			return nil, err
		case size != want.Size:
			wrong = append(wrong, fmt.Sprintf("%s has %d bytes, not %d", file, size, want.Size))
		case sum != want.SHA256:
			wrong = append(wrong, file+" has another checksum")
		}
	}
	err = walk(folder, func(path string, _ int64) {
		if _, known := r.Files[path]; !known && path != receiptFile {
			wrong = append(wrong, path+" was not pulled")
		}
	})
	slices.Sort(wrong)
	return wrong, err
}

// Remove deletes a model, and what an attempt to pull it has left. A process that has loaded it goes on with it. Errors: as Describe's, or that it is
// being pulled.
func Remove(dir, name string) error {
	n, folder, err := find(dir, name)
	if err != nil {
		return err
	}
	s, err := openStage(dir, n)
	if err != nil {
		return err
	}
	defer s.close()
	// A rename first: nobody is to find half a model.
	old := s.dir + ".old"
	if err := os.RemoveAll(old); err != nil {
		return err
	}
	if err := os.Rename(folder, old); err != nil {
		return err
	}
	os.Remove(filepath.Dir(folder)) // the organisation's folder, if it is empty and not the model folder itself, which is not
	return errors.Join(os.RemoveAll(old), os.RemoveAll(s.dir))
}

// find is the folder of a model.
func find(dir, name string) (names.Name, string, error) {
	n, err := names.Parse(name)
	if err != nil {
		return n, "", err
	}
	for _, known := range n.Folders() {
		folder := filepath.Join(dir, known)
		if _, err := os.Stat(filepath.Join(folder, "config.json")); err == nil {
			return n, folder, nil
		}
	}
	return n, "", &NotInstalledError{Name: n.String()}
}

// walk calls each for the files below a folder, by their paths with slashes.
func walk(folder string, each func(path string, size int64)) error {
	return filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(folder, path)
		each(filepath.ToSlash(relative), info.Size())
		return err
	})
}
