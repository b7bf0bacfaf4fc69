package text

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// maxSettings is the size of the largest file that is read as settings; a tokenizer.json of 250,000 tokens has 17 MB.
const maxSettings = 64 << 20

// maxConfig is the size of the largest of the other files, whose JSON takes a multiple of that in memory; a tokenizer_config.json has a megabyte.
const maxConfig = 16 << 20

// readFile reads a file of a model folder. A file that is not there is fs.ErrNotExist.
func readFile(dir, name string) ([]byte, error) { return readUpTo(dir, name, maxSettings) }

// readUpTo reads a file of a model folder that may be so large.
func readUpTo(dir, name string, limit int64) ([]byte, error) {
	if !filepath.IsLocal(name) {
		return nil, fmt.Errorf("%s: leaves the model's folder", name)
	}
	f, err := os.Open(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, errors.Unwrap(err))
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", name)
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("larger than %d bytes", limit)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return data, nil
}

// readJSON reads a file into v and tells whether it is there.
func readJSON(dir, name string, v any) (bool, error) {
	data, err := readUpTo(dir, name, maxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	return true, nil
}
