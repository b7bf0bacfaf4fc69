package text

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/pgowl/pgowl/models/text/openvino"
	"golang.org/x/sys/cpu"
)

// vino is a graph in OpenVINO, compiled twice: OpenVINO runs no more batches of a compiled model at a time than there are processors, and a small call is not to wait for one of
// large ones' to end. Its own model is for the run that comes when all of the other's are taken; the system shares the processors out between them.
type vino struct {
	model, beside *openvino.Model
	cores         int32
	running       atomic.Int32
}

var _ engine = (*vino)(nil)

// newVino compiles a graph for so many runs at a time, and one more.
func newVino(l *openvino.Library, g graphOf, cores int, p Precision) (*vino, error) {
	o := openvino.Options{Inputs: g.inputs, Output: g.output.Name, Streams: cores, BFloat16: p == BFloat16}
	model, err := l.Compile(g.file, o)
	if err != nil {
		return nil, err
	}
	// Of one stream it took 600 ms for what takes 10 with two, as soon as the other model was at work (2026.4.1 on two busy processors).
	o.Streams = 2
	beside, err := l.Compile(g.file, o)
	if err != nil {
		model.Close()
		return nil, err
	}
	return &vino{model: model, beside: beside, cores: int32(cores)}, nil
}

func (v *vino) close() {
	v.model.Close()
	v.beside.Close()
}

// run implements engine. A stop ends it between two nodes of the graph.
func (v *vino) run(ins [][]int64, rows, columns int, out []float32, shape []int64, stopped stopper) error {
	model := v.model
	defer v.running.Add(-1)
	if v.running.Add(1) > v.cores {
		model = v.beside
	}
	r, err := model.Request()
	if err != nil {
		return err
	}
	defer r.Release()
	defer stopped.ended() // the request must outlive it
	if !stopped.begun(r.Cancel) {
		return nil
	}
	return r.Run(ins, rows, columns, out, shape)
}

// loadOpenVINO loads the library. The error is a *LibraryError.
func loadOpenVINO(path string) (*openvino.Library, error) {
	l, err := openvino.Load(path)
	if err != nil {
		return nil, &LibraryError{Name: OpenVINO, Path: path, Err: err}
	}
	return l, nil
}

// TryOpenVINO says which version of OpenVINO a library is, and whether the processors compute in bfloat16 with it; how says what they have. The error is a *LibraryError.
func TryOpenVINO(path string) (version string, bfloat16 bool, how string, err error) {
	l, err := loadOpenVINO(path)
	if err != nil {
		return "", false, "", err
	}
	return l.Version(), l.BFloat16(), processorHas(), nil
}

// processorHas names what the processor has that bears on the speed of float32 and bfloat16.
func processorHas() string {
	var has []string
	for _, f := range []struct {
		name  string
		there bool
	}{
		{"AVX2", cpu.X86.HasAVX2}, {"AVX-512", cpu.X86.HasAVX512F}, {"AVX512-BF16", cpu.X86.HasAVX512BF16}, {"AMX-BF16", cpu.X86.HasAMXBF16},
		{"Neon", cpu.ARM64.HasASIMD}, {"SVE", cpu.ARM64.HasSVE},
	} {
		if f.there {
			has = append(has, f.name)
		}
	}
	if len(has) == 0 {
		return "none of the extensions that count"
	}
	return strings.Join(has, ", ")
}

// bfloat16Library loads OpenVINO for bfloat16. The error is a *LibraryError, or a *PrecisionError where the processors cannot.
func bfloat16Library(path string) (*openvino.Library, error) {
	l, err := loadOpenVINO(path)
	if err != nil {
		return nil, err
	}
	if !l.BFloat16() {
		return nil, &PrecisionError{BFloat16, CPU, fmt.Sprintf("it takes a processor with AVX512-BF16 or AMX, this one has %s", processorHas())}
	}
	return l, nil
}

// errDiffers is a runtime whose numbers are too far from the other's.
var errDiffers = errors.New("its results differ too much from ONNX Runtime's")
