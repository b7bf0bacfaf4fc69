package textmodels

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pgowl/pgowl/models/text"
	"github.com/pgowl/pgowl/models/text/names"
	"github.com/pgowl/pgowl/models/text/scratch"
)

// Source gives a proxy the models of its database. It implements text.Source.
type Source struct {
	// Pool gives the connections; nil until there is a database.
	Pool func() *pgxpool.Pool
	// Dir is the model folder, below which what was fetched is kept. Where it cannot be written a temporary folder takes its place, for as long as it takes to load the model.
	Dir string
}

var _ text.Source = (*Source)(nil)

// cacheFolder, in the model folder, has what came from the database: ORGANISATION--MODEL/VERSION. The leading dot keeps it from being taken for a model's folder.
const cacheFolder = ".database"

// Versions of a model that are not the one that is wanted are left for so long, as another process may be reading them, and what may be a fetch under way for longer.
const (
	leaveOld   = 10 * time.Minute
	leaveFetch = 24 * time.Hour
)

// Error is a model that could not be taken from the database.
type Error struct {
	Model string
	Err   error
}

func (e *Error) Error() string { return fmt.Sprintf("model %q in the database: %v", e.Model, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// Version implements text.Source. A database without the tables has no models, nor has one that there is not yet.
func (s *Source) Version(ctx context.Context, name names.Name) (string, error) {
	pool := s.Pool()
	if pool == nil {
		return "", nil
	}
	var version string
	err := pool.QueryRow(ctx, `SELECT version FROM pgml.text_models WHERE name = $1`, name.String()).Scan(&version)
	switch {
	case err == nil:
		return version, nil
	case errors.Is(err, pgx.ErrNoRows), absent(err):
		return "", nil
	}
	return "", s.failed(ctx, name, err)
}

// failed is an error about a model, or the reason why the wait for it was given up.
func (s *Source) failed(ctx context.Context, name names.Name, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errors.As(err, new(*pgconn.ConnectError)) {
		err = errors.New("it cannot be reached") // the rest is for the log of whoever runs it, and names users and hosts
	}
	return &Error{Model: name.String(), Err: err}
}

// Folder implements text.Source. What lies in the cache is used if its files are still those of the version; else they are fetched beside it and put there by a rename, so that several processes may do
// the same at a time.
func (s *Source) Folder(ctx context.Context, name names.Name, version string) (string, func(), error) {
	dir, loaded, err := s.folder(ctx, name, version)
	if err != nil {
		return "", nil, s.failed(ctx, name, err)
	}
	return dir, loaded, nil
}

func (s *Source) folder(ctx context.Context, name names.Name, version string) (string, func(), error) {
	if !plainVersion(version) {
		return "", nil, errors.New("its version is none")
	}
	parent := filepath.Join(s.Dir, cacheFolder, strings.ReplaceAll(name.Repository(), "/", "--"))
	final := filepath.Join(parent, version)
	var dir string
	done := func() {}
	err := fetching(ctx, s.Pool(), name.String(), version, func(f *fetch) (err error) {
		if f.holds(ctx, final) == nil {
			dir = final
			return nil
		}
		if dir, done, err = temporary(parent); err != nil {
			return err
		}
		if err := f.into(ctx, dir); err != nil {
			return err
		}
		if filepath.Dir(dir) == parent && publish(dir, final, func() bool { return f.holds(ctx, final) == nil }) == nil {
			dir = final
		}
		return nil
	})
	if err != nil {
		done()
		return "", nil, err
	}
	if dir != final { // there is no model folder that could keep it
		return dir, done, nil
	}
	tidy(parent, version)
	return final, func() {}, nil
}

func plainVersion(version string) bool {
	return len(version) == 64 && strings.Trim(version, "0123456789abcdef") == ""
}

// temporary makes a folder to fetch a model into: beside where it shall be, or where a folder can be made. done removes it, if it is there still; it is never nil.
func temporary(parent string) (dir string, done func(), err error) {
	const pattern = ".fetch-*"
	err = &os.PathError{Err: os.ErrNotExist}
	if filepath.IsAbs(parent) { // else there is no model folder
		err = os.MkdirAll(parent, 0o755)
	}
	if err == nil {
		if dir, err = os.MkdirTemp(parent, pattern); err == nil {
			return dir, func() { os.RemoveAll(dir) }, nil
		}
	}
	for _, other := range []string{os.TempDir(), "/dev/shm"} {
		if dir, done, err := scratch.Folder(other, "pgowl-model-"); err == nil {
			return dir, done, nil
		}
	}
	return "", func() {}, fmt.Errorf("neither the model folder nor the one for temporary files can be written: %w", errors.Unwrap(err))
}

// publish gives a fetched folder its name. Where another process was faster its folder stays if it is good, as it may be loading the model just now; a damaged one makes way.
func publish(dir, final string, good func() bool) error {
	err := os.Rename(dir, final)
	if err == nil {
		return nil
	}
	if good() {
		os.RemoveAll(dir) // what is left of it, tidy removes
		return nil
	}
	old := dir + ".old"
	if err := os.Rename(final, old); err != nil {
		return err
	}
	defer os.RemoveAll(old)
	return os.Rename(dir, final)
}

// tidy removes what is left of other versions and of attempts that were cut off, once it is old.
func tidy(parent, version string) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return
	}
	for _, e := range entries {
		leave := leaveOld
		if !plainVersion(e.Name()) {
			leave = leaveFetch
		}
		info, err := e.Info()
		if err == nil && e.Name() != version && time.Since(info.ModTime()) > leave {
			os.RemoveAll(filepath.Join(parent, e.Name()))
		}
	}
}
