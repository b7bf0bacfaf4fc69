package onnxcheck

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// entry is a key and a value, as a tensor names the file with its numbers.
type entry struct{ key, value string }

func (c *checker) entry(s span) (e entry, err error) {
	m := c.message(s)
	err = m.each(func(f field) (err error) {
		switch f.number {
		case 1, 2:
			if err := m.once(f); err != nil {
				return err
			}
			text, err := m.text(f)
			if f.number == 1 {
				e.key = text
			} else {
				e.value = text
			}
			return err
		}
		return nil
	})
	return e, err
}

// plain is the path of a file with weights. Stars are left out with the rest: ONNX Runtime takes */_ORT_MEM_ADDR_/* for "the numbers are in memory, at this address".
var plain = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,254}(/[A-Za-z0-9_][A-Za-z0-9_.+-]{0,254}){0,3}$`)

// weightsFile is a file beside the graph.
type weightsFile struct{ size, taken int64 }

// external checks where a tensor outside the graph's file lies: in a regular file in the graph's folder or below it, also behind symbolic links, wholly, and of the right size.
func (c *checker) external(entries []entry, size uint64) error {
	seen := map[string]string{}
	for _, e := range entries {
		if _, twice := seen[e.key]; twice {
			return fmt.Errorf("%.40q stands there twice", e.key)
		}
		seen[e.key] = e.value
	}
	location := seen["location"]
	if !plain.MatchString(location) || path.Clean(location) != location || strings.Contains(location, "..") {
		return fmt.Errorf("its numbers are in %.120q, which is no file beside the graph", location)
	}
	number := func(key string) (int64, error) {
		text, there := seen[key]
		if !there {
			return 0, nil
		}
		n, err := strconv.ParseUint(text, 10, 62)
		if err != nil {
			return 0, fmt.Errorf("its %s is %.40q", key, text)
		}
		return int64(n), nil
	}
	offset, err := number("offset")
	if err != nil {
		return err
	}
	length, err := number("length")
	if err != nil {
		return err
	}
	f := c.files[location]
	if f == nil {
		if len(c.files) == maxExternal {
			return fmt.Errorf("the graph has its weights in more than %d files", maxExternal)
		}
		f = new(weightsFile)
		if f.size, err = c.sizeOf(location); err != nil {
			return err
		}
		c.files[location] = f
	}
	_, given := seen["length"]
	if !given { // then it is what is left
		length = f.size - offset
	}
	if offset > f.size || length < 0 || length > f.size-offset {
		return fmt.Errorf("%s has %d bytes, its numbers are %d from %d on", location, f.size, length, offset)
	}
	if uint64(length) != size {
		return fmt.Errorf("%s has %d bytes of it, its shape takes %d", location, length, size)
	}
	// The same bytes under many names would take memory for each.
	if f.taken += length; f.taken > f.size {
		return fmt.Errorf("tensors overlap in %s", location)
	}
	return nil
}

// beside gives the sizes of the files in a folder.
func beside(folder string) func(name string) (int64, error) {
	return func(name string) (int64, error) {
		root, err := os.OpenRoot(folder)
		if err != nil {
			return 0, unwrapped(err)
		}
		defer root.Close()
		info, err := root.Stat(filepath.FromSlash(name)) // fails where a link leads out
		if err != nil {
			return 0, fmt.Errorf("%s: %w", name, unwrapped(err))
		}
		if !info.Mode().IsRegular() {
			return 0, fmt.Errorf("%s is no regular file", name)
		}
		return info.Size(), nil
	}
}

// unwrapped is an error without the path, which is nobody's business.
func unwrapped(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
