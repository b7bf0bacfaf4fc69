package main

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// part is one file out of an archive (wheels and jars are zip files).
type part struct {
	inside string // its path in the archive
	to     string // its path below the target folder
	sha256 string // of the file, hexadecimal; empty: not known for this machine
}

// inPlace says whether all parts lie in dir with the right contents.
func inPlace(dir string, list []part) bool {
	for _, p := range list {
		sum, err := sumOf(filepath.Join(dir, p.to))
		if err != nil || (p.sha256 != "" && sum != p.sha256) {
			return false
		}
	}
	return true
}

// unpack puts the parts of an archive below dir. Each appears under its name only when complete and right.
func unpack(archive, dir string, list []part) error {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return fmt.Errorf("%s: %w", archive, err)
	}
	defer z.Close()
	for _, p := range list {
		if err := unpackOne(z, filepath.Join(dir, p.to), p); err != nil {
			return fmt.Errorf("%s: %s: %w", filepath.Base(archive), p.inside, err)
		}
	}
	return nil
}

func unpackOne(z *zip.ReadCloser, to string, p part) error {
	in, err := z.Open(p.inside)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	out, err := os.CreateTemp(filepath.Dir(to), ".part-*")
	if err != nil {
		return err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	hash := sha256.New()
	if _, err := io.Copy(io.MultiWriter(out, hash), in); err != nil {
		return err
	}
	if sum := hex.EncodeToString(hash.Sum(nil)); p.sha256 != "" && sum != p.sha256 {
		return fmt.Errorf("sha256 is %s, should be %s", sum, p.sha256)
	}
	if err := out.Chmod(0o644); err != nil {
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	return os.Rename(out.Name(), to)
}

func sumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// only gives the one file that matches pattern in dir.
func only(dir, pattern string) (string, error) {
	found, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		return "", err
	}
	if len(found) != 1 {
		return "", fmt.Errorf("%d files like %s were fetched, want 1", len(found), pattern)
	}
	return found[0], nil
}
