package text

import (
	"encoding/binary"
	"errors"
	goruntime "runtime"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/pgowl/pgowl/models/text/safetensors"
)

// onnx is a graph in ONNX Runtime.
type onnx struct {
	session *ort.DynamicAdvancedSession
	half    bool // its output is of float16
}

// newONNX loads a graph with options that nothing has been set in but what the device asks for; a run has so many threads.
func newONNX(file string, inputs []string, output *ort.InputOutputInfo, options *ort.SessionOptions, threads int) (*onnx, error) {
	err := usual(options)
	if err == nil && threads > 1 {
		err = errors.Join(options.SetIntraOpNumThreads(threads),
			options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0")) // threads that spin got in the way of the run itself, beside Postgres and a client on two processors: 8 ms instead of 5
	}
	if err != nil {
		return nil, err
	}
	session, err := ort.NewDynamicAdvancedSession(file, inputs, []string{output.Name}, options)
	if err != nil {
		return nil, err
	}
	return &onnx{session, output.DataType == ort.TensorElementDataTypeFloat16}, nil
}

// usual sets what is the same for all graphs.
func usual(options *ort.SessionOptions) error {
	for _, set := range []error{
		options.SetGraphOptimizationLevel(ort.GraphOptimizationLevelEnableAll),
		// One thread a run and as many runs as cores: for many texts that is the fastest, and nothing spins when idle.
		options.SetIntraOpNumThreads(1),
		options.SetInterOpNumThreads(1),
		// With runs of bounded size the arena stays small, 30 MB with MiniLM, and spares a tenth of the time and half the memory of plain
		// malloc (measured). A pattern for each of the many shapes would be kept for ever.
		options.SetCpuMemArena(true),
		options.SetMemPattern(false),
	} {
		if set != nil {
			return set
		}
	}
	return nil
}

func (o *onnx) close() { o.session.Destroy() }

// run implements engine. A stop ends it between two nodes of the graph.
func (o *onnx) run(ins [][]int64, rows, columns int, out []float32, shape []int64, stopped stopper) error {
	return o.runWith(ins, nil, rows, columns, out, shape, stopped)
}

// runWith is run for a graph that has one more input, of float32 in as many ways for each token, if weights is not nil.
func (o *onnx) runWith(ins [][]int64, weights []float32, rows, columns int, out []float32, shape []int64, stopped stopper) error {
	opts, err := ort.NewRunOptions()
	if err != nil {
		return err
	}
	defer opts.Destroy()
	defer stopped.ended()                            // the options must outlive it
	if !stopped.begun(func() { opts.Terminate() }) { // which cannot fail on good options
		return nil
	}
	var pinner goruntime.Pinner // the tensors keep pointers to Go memory
	defer pinner.Unpin()
	values := make([]ort.Value, 0, len(ins)+1)
	defer func() {
		for _, v := range values {
			v.Destroy()
		}
	}()
	for _, data := range ins {
		pinner.Pin(&data[0])
		tensor, err := ort.NewTensor(ort.NewShape(int64(rows), int64(columns)), data)
		if err != nil {
			return err
		}
		values = append(values, tensor)
	}
	if weights != nil {
		pinner.Pin(&weights[0])
		tensor, err := ort.NewTensor(ort.NewShape(int64(rows), int64(len(weights)/(rows*columns)), int64(columns)), weights)
		if err != nil {
			return err
		}
		values = append(values, tensor)
	}
	if o.half {
		halves := make([]byte, 2*len(out))
		pinner.Pin(&halves[0])
		result, err := ort.NewCustomDataTensor(ort.NewShape(shape...), halves, ort.TensorElementDataTypeFloat16)
		if err != nil {
			return err
		}
		defer result.Destroy()
		if err := o.session.RunWithOptions(values, []ort.Value{result}, opts); err != nil {
			return err
		}
		for i := range out {
			out[i] = safetensors.Half(binary.LittleEndian.Uint16(halves[2*i:]))
		}
		return nil
	}
	pinner.Pin(&out[0])
	result, err := ort.NewTensor(ort.NewShape(shape...), out)
	if err != nil {
		return err
	}
	defer result.Destroy()
	return o.session.RunWithOptions(values, []ort.Value{result}, opts)
}
