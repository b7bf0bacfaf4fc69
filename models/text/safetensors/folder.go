package safetensors

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

// File is where a model's weights are in its folder, and Index lists the files of weights that are in several.
const (
	File  = "model.safetensors"
	Index = "model.safetensors.index.json"
)

// maxIndex is the size of the largest index that is read, and maxShards the number of files that one may name.
const (
	maxIndex  = 16 << 20
	maxShards = 256
)

// shard is the name of a file in an index: one of the same folder.
var shard = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,95}\.safetensors$`)

// Folder is the weights of a model's folder: the tensors of File, or of the files that Index names.
type Folder struct {
	Tensors map[string]*Tensor
	files   []*os.File
}

// Close closes the files; the tensors can't be read any more.
func (f *Folder) Close() error {
	var err error
	for _, file := range f.files {
		err = errors.Join(err, file.Close())
	}
	return err
}

// Open opens the weights of a model's folder. The error is fs.ErrNotExist where it has none; errors name the file, not the folder.
func Open(dir string) (*Folder, error) {
	files := []string{File}
	if _, err := os.Stat(filepath.Join(dir, File)); errors.Is(err, fs.ErrNotExist) {
		data, err := readIndex(filepath.Join(dir, Index))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", Index, err)
		}
		if files, err = Shards(data); err != nil {
			return nil, err
		}
	}
	f := &Folder{Tensors: map[string]*Tensor{}}
	for _, name := range files {
		if err := f.add(dir, name); err != nil {
			f.Close()
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return f, nil
}

func (f *Folder) add(dir, name string) error {
	file, size, err := openRegular(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	f.files = append(f.files, file)
	tensors, err := Parse(file, size)
	if err != nil {
		return err
	}
	for name, t := range tensors {
		if f.Tensors[name] != nil {
			return fmt.Errorf("tensor %.120q is in another file, too", name)
		}
		f.Tensors[name] = t
	}
	return nil
}

// Shards are the files that an index names, in the order of the alphabet.
func Shards(index []byte) ([]string, error) {
	var parsed struct {
		Map map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(index, &parsed); err != nil {
		return nil, fmt.Errorf("%s: %w", Index, err)
	}
	var files []string
	for _, name := range parsed.Map {
		if slices.Contains(files, name) {
			continue
		}
		if !shard.MatchString(name) {
			return nil, fmt.Errorf("%s names a file %.120q", Index, name)
		}
		if files = append(files, name); len(files) > maxShards {
			return nil, fmt.Errorf("%s names more than %d files", Index, maxShards)
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s names no files", Index)
	}
	slices.Sort(files)
	return files, nil
}

// readIndex reads a file whose length is limited.
func readIndex(path string) ([]byte, error) {
	file, size, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if size > maxIndex {
		return nil, fmt.Errorf("larger than %d bytes", maxIndex)
	}
	return io.ReadAll(io.LimitReader(file, maxIndex))
}

// openRegular opens a file that is one, with its size. Its errors do not have its path, which is nobody's business.
func openRegular(path string) (*os.File, int64, error) {
	info, err := os.Stat(path) // first: opening a pipe would wait
	if err != nil {
		return nil, 0, cause(err)
	}
	if !info.Mode().IsRegular() {
		return nil, 0, errors.New("not a regular file")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, cause(err)
	}
	return file, info.Size(), nil
}

func cause(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}
