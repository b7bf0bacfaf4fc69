package text

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"sync"
	"sync/atomic"

	ort "github.com/yalue/onnxruntime_go"
)

// LibraryError says that a runtime's shared library is not there or cannot be used, and how to get one.
type LibraryError struct {
	Name Backend // which one; empty: ONNX Runtime
	Path string  // where it was looked for; empty where no place was known
	Err  error
}

func (e *LibraryError) Error() string {
	where := "its library was not found"
	if e.Path != "" {
		where = fmt.Sprintf("%s: %v", e.Path, e.Err)
	}
	if e.Name == OpenVINO {
		return "OpenVINO is missing (" + where + "): run `make setup-openvino`, or set PGOWL_OPENVINO to a libopenvino_c of version 2024.0 or newer"
	}
	return "ONNX Runtime is missing (" + where + "): run `make setup`, or set PGOWL_ONNXRUNTIME to a libonnxruntime of version 1.24 or newer"
}

func (e *LibraryError) Unwrap() error { return e.Err }

// Runtime is ONNX Runtime, loaded. A process has one at most.
type Runtime struct {
	path string
	// slots holds one token for each batch that may run at a time: more of them than cores would only slow each other down, whoever
	// they belong to.
	slots chan struct{}
	// beside is one token more, for a batch of small calls while large ones have the cores: the system shares these out in milliseconds, where a batch takes a hundred.
	beside  chan struct{}
	larges  atomic.Int64 // large calls under way
	running atomic.Int64 // batches that run
	waiting atomic.Int64 // workers that wait for a token
	gpus    gpus
}

func newRuntime(path string, cores int) *Runtime {
	return &Runtime{path: path, slots: make(chan struct{}, cores), beside: make(chan struct{}, 1)}
}

var _ turns = (*Runtime)(nil)

func (r *Runtime) cores() int { return cap(r.slots) }

func (r *Runtime) tokens(hasty bool) chan struct{} {
	if hasty {
		return r.beside
	}
	return r.slots
}

// take implements turns.
func (r *Runtime) take(hasty bool) {
	select {
	case r.tokens(hasty) <- struct{}{}:
		return
	default:
	}
	r.waiting.Add(1)
	defer r.waiting.Add(-1)
	r.tokens(hasty) <- struct{}{}
}

func (r *Runtime) free(hasty bool) { <-r.tokens(hasty) }

func (r *Runtime) large(n int) { r.larges.Add(int64(n)) }

// enter implements turns.
func (r *Runtime) enter() bool { return r.running.Add(1) == 1 }

func (r *Runtime) leave() { r.running.Add(-1) }

func (r *Runtime) busy() bool { return len(r.slots) == cap(r.slots) && r.larges.Load() > 0 }

// process guards the one ONNX Runtime of the process; the wrapper keeps its state in globals.
var process struct {
	sync.Mutex
	runtime *Runtime
}

// LoadRuntime loads the shared library at path, once for the process: a later call with the same path gives the same Runtime,
// with another path an error. The error is a *LibraryError; after one the next call tries again, so a library that has been installed
// meanwhile is found. The library is never unloaded.
func LoadRuntime(path string) (*Runtime, error) {
	if path == "" {
		return nil, &LibraryError{Err: os.ErrNotExist}
	}
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute // a bare name would make the loader search
	}
	process.Lock()
	defer process.Unlock()
	if r := process.runtime; r != nil {
		if r.path != path {
			return nil, &LibraryError{Path: path, Err: fmt.Errorf("the process has loaded %s already", r.path)}
		}
		return r, nil
	}
	if _, err := os.Stat(path); err != nil {
		return nil, &LibraryError{Path: path, Err: errors.Unwrap(err)}
	}
	silence()
	ort.SetSharedLibraryPath(path)
	// Errors are returned; writing them to standard error as well would only alarm, at every cancel.
	if err := ort.InitializeEnvironment(ort.WithLogLevelFatal()); err != nil {
		return nil, &LibraryError{Path: path, Err: err}
	}
	stillSilence()
	process.runtime = newRuntime(path, max(1, goruntime.GOMAXPROCS(0)))
	return process.runtime, nil
}

// Version is the library's version, such as "1.32.0".
func (r *Runtime) Version() string { return ort.GetVersion() }

// FindLibrary looks for ONNX Runtime's shared library where set-up puts it, dataDir/onnxruntime, and then in the usual folders for
// libraries. Of several versions in a folder it takes the newest. It returns "" when there is none.
func FindLibrary(dataDir string) string {
	return findLibrary(dataDir, "onnxruntime", "libonnxruntime", "/opt/onnxruntime/lib")
}

// FindOpenVINO looks for OpenVINO's library for C in the same way, in dataDir/openvino and where Intel's archives are put.
func FindOpenVINO(dataDir string) string {
	return findLibrary(dataDir, "openvino", "libopenvino_c", "/opt/intel/openvino/runtime/lib/intel64", "/opt/intel/openvino/runtime/lib/aarch64")
}

func findLibrary(dataDir, folder, name string, others ...string) string {
	folders := append([]string{"/usr/local/lib", "/usr/lib", "/usr/lib64", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/opt/homebrew/lib"}, others...)
	if dataDir != "" {
		folders = append([]string{filepath.Join(dataDir, folder)}, folders...)
	}
	pattern := name + ".so*"
	if goruntime.GOOS == "darwin" {
		pattern = name + "*.dylib"
	}
	for _, folder := range folders {
		found, _ := filepath.Glob(filepath.Join(escape(folder), pattern)) // the pattern is a good one
		found = slices.DeleteFunc(found, func(path string) bool {
			info, err := os.Stat(path)
			return err != nil || !info.Mode().IsRegular()
		})
		if len(found) > 0 {
			return slices.MaxFunc(found, compareVersions)
		}
	}
	return ""
}

// compareVersions orders file names so that 1.9 comes before 1.10.
func compareVersions(a, b string) int {
	for a != "" && b != "" {
		x, restA := number(a)
		y, restB := number(b)
		if x != y {
			return x - y
		}
		a, b = restA, restB
	}
	return len(a) - len(b)
}

// number takes a number from the front of s, or else one byte.
func number(s string) (value int, rest string) {
	i := 0
	for i < len(s) && i < 9 && s[i] >= '0' && s[i] <= '9' {
		value = value*10 + int(s[i]-'0')
		i++
	}
	if i == 0 {
		return int(s[0]), s[1:]
	}
	return value, s[i:]
}
