// Package openvino runs the ONNX graphs of text models on OpenVINO, through its C API. The library is loaded when it is asked for: nothing of it is needed to build, and nothing
// of it is here. Versions 2024.0 and later have what is used; 2025.2 and 2026.4 are tested.
package openvino

/*
#cgo LDFLAGS: -ldl
#include <stdlib.h>
#include "api.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"unsafe"
)

// Library is OpenVINO, loaded. A process has one at most; it is never unloaded.
type Library struct {
	path    string
	version string
	isas    []string // what it says of the processors
	core    *C.ov_core
}

var process struct {
	sync.Mutex
	library *Library
}

// Load loads the C API's library at path (libopenvino_c.so), which has the others that it needs beside it. A later call with the same path gives the same Library, with another
// one an error. After an error the next call tries again.
func Load(path string) (*Library, error) {
	if path == "" {
		return nil, os.ErrNotExist
	}
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute // a bare name would make the loader search
	}
	process.Lock()
	defer process.Unlock()
	if l := process.library; l != nil {
		if l.path != path {
			return nil, fmt.Errorf("the process has loaded %s already", l.path)
		}
		return l, nil
	}
	if _, err := os.Stat(path); err != nil {
		return nil, errors.Unwrap(err)
	}
	l, err := load(path)
	if err != nil {
		return nil, err
	}
	process.library = l
	return l, nil
}

func load(path string) (*Library, error) {
	text := C.CString(path)
	defer C.free(unsafe.Pointer(text))
	m := newMessage()
	defer m.free()
	if status := C.owl_load(text, m.room); status != 0 {
		return nil, m.err(status)
	}
	l := &Library{path: path}
	buffer := newText(256)
	defer buffer.free()
	if status := C.owl_version(buffer.room, buffer.size, m.room); status != 0 {
		return nil, m.err(status)
	}
	l.version, _, _ = strings.Cut(buffer.String(), "-") // a build number and a commit follow
	if err := supported(l.version); err != nil {
		return nil, err
	}
	if status := C.owl_core(&l.core, m.room); status != 0 {
		return nil, m.err(status)
	}
	capabilities, err := l.property(nil, "OPTIMIZATION_CAPABILITIES")
	if err != nil {
		C.owl_core_free(l.core)
		return nil, fmt.Errorf("its plugin for processors: %w", err)
	}
	l.isas = strings.Fields(capabilities)
	return l, nil
}

// supported refuses versions before 2024.
func supported(version string) error {
	var year, release int
	if _, err := fmt.Sscanf(version, "%d.%d", &year, &release); err != nil || year < 2024 {
		return fmt.Errorf("version %.40q is not supported, want 2024.0 or newer", version)
	}
	return nil
}

// Version is the library's version, such as "2026.4.1".
func (l *Library) Version() string { return l.version }

// BFloat16 says whether the processors compute with bfloat16, which is AVX512-BF16, AVX-VNNI-2 or AMX on x86.
func (l *Library) BFloat16() bool { return slices.Contains(l.isas, "BF16") }

// property reads a property of a compiled model, or of the processors where there is none.
func (l *Library) property(of *C.ov_compiled, key string) (string, error) {
	m, value, name := newMessage(), newText(4096), C.CString(key)
	defer m.free()
	defer value.free()
	defer C.free(unsafe.Pointer(name))
	if status := C.owl_property(l.core, of, name, value.room, value.size, m.room); status != 0 {
		return "", m.err(status)
	}
	return value.String(), nil
}

// text is room for a text that C writes.
type text struct {
	room *C.char
	size C.size_t
}

func newText(size int) text   { return text{(*C.char)(C.calloc(1, C.size_t(size))), C.size_t(size)} }
func (t text) free()          { C.free(unsafe.Pointer(t.room)) }
func (t text) String() string { return C.GoString(t.room) }
func newMessage() message     { return message{newText(C.OWL_ERROR)} }
func (m message) err(status C.int) error {
	if status == C.OWL_CANCELLED {
		return ErrCancelled
	}
	return errors.New(tidy(m.String()))
}

// message is room for an error's.
type message struct{ text }

// tidy takes the places in OpenVINO's own sources out of a message, and makes one line of it.
func tidy(s string) string {
	var parts []string
	for line := range strings.SplitSeq(s, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "Exception from src/") || strings.HasPrefix(line, "Check '") {
			continue
		}
		parts = append(parts, line)
	}
	if len(parts) == 0 {
		return strings.Join(strings.Fields(s), " ")
	}
	return strings.Join(parts, " ")
}
