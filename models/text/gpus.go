package text

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

//go:embed probe.onnx
var probe []byte // y = x · x, of 8 x 8

// providerFile is ONNX Runtime's provider for CUDA, which lies beside its library.
const providerFile = "libonnxruntime_providers_cuda.so"

// driverFile is NVIDIA's driver, which the system finds.
const driverFile = "libcuda.so.1"

// gpus are the cards that a Runtime has found to work.
type gpus struct {
	trying sync.Mutex // held while one is tried, which takes seconds
	mu     sync.Mutex
	known  map[int]*gpu
	driver *cudaDriver // nil until it has been found
}

func (cards *gpus) get(id int) *gpu {
	cards.mu.Lock()
	defer cards.mu.Unlock()
	return cards.known[id]
}

// gpu gives a card that works. The error is a *DeviceError; the next call looks again.
func (r *Runtime) gpu(id int) (*gpu, error) {
	if g := r.gpus.get(id); g != nil {
		return g, nil
	}
	r.gpus.trying.Lock()
	defer r.gpus.trying.Unlock()
	if g := r.gpus.get(id); g != nil {
		return g, nil
	}
	g := newGPU(id)
	d, err := r.begin(g)
	if err != nil {
		return nil, &DeviceError{cuda(id), err}
	}
	r.gpus.mu.Lock()
	defer r.gpus.mu.Unlock()
	r.gpus.driver = d
	if r.gpus.known == nil {
		r.gpus.known = map[int]*gpu{}
	}
	r.gpus.known[id] = g
	return g, nil
}

// begin tries a card, and says what is missing in the order in which one would install it.
func (r *Runtime) begin(g *gpu) (*cudaDriver, error) {
	d, err := openDriver(driverFile)
	if err != nil {
		return nil, err
	}
	if g.id >= d.count {
		return nil, fmt.Errorf("the last one here is %s", cuda(d.count-1))
	}
	provider := r.provider()
	if _, err := os.Stat(provider); err != nil {
		return nil, fmt.Errorf("%s is missing beside ONNX Runtime's library (the Python package onnxruntime-gpu has both)", providerFile)
	}
	preloadCUDA(filepath.Dir(provider))
	if err := g.try(probe); err != nil {
		return nil, providerError(err)
	}
	return d, nil
}

// provider is where the provider's library is, if it is there.
func (r *Runtime) provider() string {
	path := r.path
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // as ONNX Runtime looks beside the file itself
	}
	return filepath.Join(filepath.Dir(path), providerFile)
}

// providerError takes from ONNX Runtime's message what is of use: where in its source it was raised is not.
func providerError(err error) error {
	text := err.Error()
	for _, mark := range []string{" with error: ", "[ONNXRuntimeError] : "} {
		if at := strings.LastIndex(text, mark); at >= 0 {
			text = text[at+len(mark):]
			break
		}
	}
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > 400 {
		text = strings.ToValidUTF8(text[:400], "") + "..."
	}
	return errors.New(text)
}

// cudaLibraries are what the provider needs, in the order in which they need each other.
var cudaLibraries = []string{"libcudart.so.*", "libnvrtc.so.*", "libnvJitLink.so.*", "libcublasLt.so.*", "libcublas.so.*", "libcurand.so.*", "libcufft.so.*", "libcudnn.so.*"}

// preloadCUDA opens CUDA's libraries where Python packages put them, so that they are found without a change to the system's search path: beside the provider, or in the folders
// of the nvidia packages. What is not there is left to the system.
func preloadCUDA(dir string) {
	folders := []string{dir}
	if packages, err := filepath.Glob(filepath.Join(escape(filepath.Dir(filepath.Dir(dir))), "nvidia", "*", "lib")); err == nil {
		folders = append(folders, packages...)
	}
	for _, pattern := range cudaLibraries {
		for _, folder := range folders {
			found, err := filepath.Glob(filepath.Join(escape(folder), pattern))
			if err == nil && len(found) > 0 && preload(found[len(found)-1]) == nil {
				break
			}
		}
	}
}

// escape makes a path a pattern that matches it alone.
func escape(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// driverNodes are files that a machine with an NVIDIA GPU has, whatever else is installed on it.
var driverNodes = []string{"/dev/nvidiactl", "/proc/driver/nvidia/version", "/dev/dxg"}

// Choose says where auto comes to: the first GPU if it works, and else the processors, with the reason where somebody might have expected a GPU.
func (r *Runtime) Choose() (Device, error) {
	expected := false
	for _, path := range append([]string{r.provider()}, driverNodes...) {
		if _, err := os.Stat(path); err == nil {
			expected = true
		}
	}
	if !expected {
		return CPU, nil
	}
	if _, err := r.gpu(0); err != nil {
		return CPU, err
	}
	return cuda(0), nil
}

// Try says whether models can run on a device that was asked for by name. The error is a *DeviceError.
func (r *Runtime) Try(d Device) error {
	id, ok := d.gpu()
	if !ok {
		return nil
	}
	_, err := r.gpu(id)
	return err
}

// GPU is a graphics card that models may run on.
type GPU struct {
	Device  Device
	Name    string        // empty where the driver does not say
	Memory  int64         // bytes
	Used    int64         // of these, by all processes; 0 where this one does not use it
	Models  int           // of this process
	Runs    int           // batches that are made ready, run or are pooled
	Waiting int           // workers that wait for their turn
	Ran     time.Duration // that batches of this process have taken on it
}

// GPUs are the cards that are in use, in no order.
func (r *Runtime) GPUs() []GPU { return r.gpus.list() }

func (cards *gpus) list() []GPU {
	cards.mu.Lock()
	defer cards.mu.Unlock()
	var all []GPU
	for id, g := range cards.known {
		one := GPU{Device: cuda(id), Models: int(g.models.Load()), Runs: len(g.slots), Waiting: int(g.waiting.Load()), Ran: time.Duration(g.ran.Load())}
		if d := cards.driver; d != nil {
			one.Name, one.Memory, _ = d.describe(id)
			one.Used, _ = d.used(id)
		}
		all = append(all, one)
	}
	return all
}
