package hub

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// receiptFile, in a model's folder, says where the model is from.
const receiptFile = "pgowl.json"

// maxReceipt is the size of the largest receipt that is read.
const maxReceipt = 1 << 20

// receipt is what was pulled.
type receipt struct {
	Repository string                   `json:"repository"`
	Revision   string                   `json:"revision"` // what was asked for
	Commit     string                   `json:"commit"`   // what that was, where the hub told
	Files      map[string]receiptedFile `json:"files"`    // by path, with slashes
}

type receiptedFile struct {
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // in hex
}

// newReceipt is that of a folder's files.
func newReceipt(folder, repository, revision, commit string, files []file) (*receipt, error) {
	if revision == "" {
		revision = "main"
	}
	r := &receipt{Repository: repository, Revision: revision, Commit: commit, Files: map[string]receiptedFile{}}
	for _, f := range files {
		size, sum, err := hashFile(filepath.Join(folder, filepath.FromSlash(f.name)))
		if err != nil {
			return nil, err
		}
		r.Files[f.name] = receiptedFile{size, sum}
	}
	return r, nil
}

// hashFile is a file's size and SHA-256 in hex.
func hashFile(path string) (int64, string, error) {
	in, err := os.Open(path)
	if err != nil {
		return 0, "", err
	}
	defer in.Close()
	h := sha256.New()
	n, err := io.Copy(h, in)
	return n, hex.EncodeToString(h.Sum(nil)), err
}

// write puts the receipt into a folder, whole or not at all.
func (r *receipt) write(folder string) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(folder, receiptFile)
	if err := os.WriteFile(path+".part", append(data, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".part", path)
}

// readReceipt returns nil for a folder that was not pulled.
func readReceipt(folder string) (*receipt, error) {
	in, err := os.Open(filepath.Join(folder, receiptFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer in.Close()
	data, err := io.ReadAll(io.LimitReader(in, maxReceipt+1))
	if err != nil {
		return nil, err
	}
	r := new(receipt)
	if len(data) > maxReceipt {
		return nil, fmt.Errorf("%s is too long", receiptFile)
	}
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("%s: %w", receiptFile, err)
	}
	for name := range r.Files {
		if !filepath.IsLocal(filepath.FromSlash(name)) {
			return nil, fmt.Errorf("%s names a file %q", receiptFile, name)
		}
	}
	return r, nil
}
