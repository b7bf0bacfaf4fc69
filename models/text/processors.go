package text

import (
	"fmt"
	"time"

	ort "github.com/yalue/onnxruntime_go"
)

// Backend is a runtime for the processors.
type Backend string

// The runtimes. ONNX Runtime is always there, OpenVINO may be.
const (
	AutoBackend Backend = "auto" // for float32 whichever is faster
	ONNXRuntime Backend = "onnxruntime"
	OpenVINO    Backend = "openvino"
)

// ParseBackend reads auto, onnxruntime or openvino; empty is auto.
func ParseBackend(s string) (Backend, error) {
	switch b := Backend(s); b {
	case "":
		return AutoBackend, nil
	case AutoBackend, ONNXRuntime, OpenVINO:
		return b, nil
	}
	return "", reason(fmt.Sprintf("is %.60q, want auto, onnxruntime or openvino", s))
}

// Processors is how models run on the processors.
type Processors struct {
	// OpenVINO is the path of OpenVINO's library for C; it is loaded with the first model that it may be for. Empty: there is none, and no bfloat16.
	OpenVINO string
	// Backend is which runtime computes in float32; empty: auto. What OpenVINO cannot do as well as ONNX Runtime is done by that one all the same.
	Backend Backend
	// Measured is the file where auto notes what it has measured, so that it measures a model once. Empty: it does so at each load.
	Measured string
	// Loaded is told of each model that is loaded on the processors. nil: nobody.
	Loaded func(Loaded)
}

// Loaded is what has come out of loading a model.
type Loaded struct {
	Model   string
	Backend Backend
	Version string
	Why     string // in words
	Has     string // what the processors have that bears on it
}

// graphOf is a graph that ONNX Runtime has read: another runtime gets none that it has refused.
type graphOf struct {
	file   string
	from   string // the file that measurements are noted of (graphFile)
	inputs []string
	output *ort.InputOutputInfo
}

// onnx loads it in ONNX Runtime, with one thread for a run.
func (g graphOf) onnx(options *ort.SessionOptions) (*onnx, error) {
	return newONNX(g.file, g.inputs, g.output, options, 1)
}

// refused says that OpenVINO does not run it.
func (g graphOf) refused(err error) string {
	return "OpenVINO cannot run this graph: " + graphError(g.file, err).Error()
}

// faster is how many times as fast OpenVINO must be to be taken for float32: less would be the noise of a short measurement.
const faster = 1.1

// measuring is how long a measurement may take beyond the first run of each runtime.
const measuring = 500 * time.Millisecond

// engineFor loads a graph of a model's for the processors, in the runtime that is the best one for it. options are ONNX Runtime's, with nothing in them.
func (e *Embedder) engineFor(s *session, options *ort.SessionOptions) (engine, error) {
	bf16 := e.variant.Precision == BFloat16
	p := e.processors
	if !bf16 && (p.OpenVINO == "" && p.Backend != OpenVINO || p.Backend == ONNXRuntime || e.variant.Graph != "") {
		o, err := s.graph.onnx(options)
		if err != nil {
			return nil, err
		}
		e.loaded(ONNXRuntime, "")
		return o, nil
	}
	if bf16 {
		return e.bfloat16(s, options)
	}
	return e.float32(s, options)
}

// bfloat16 loads a graph in OpenVINO, and sees to it that it comes to the same as in ONNX Runtime.
func (e *Embedder) bfloat16(s *session, options *ort.SessionOptions) (engine, error) {
	library, err := bfloat16Library(e.processors.OpenVINO)
	if err != nil {
		return nil, err
	}
	t := e.newTrial(s)
	o, err := s.graph.onnx(options)
	if err != nil {
		return nil, err
	}
	want, err := t.run(o)
	o.close()
	if err != nil {
		return nil, err
	}
	v, err := newVino(library, s.graph, e.runtime.cores(), BFloat16)
	if err != nil {
		return nil, &PrecisionError{BFloat16, CPU, s.graph.refused(err)}
	}
	got, err := t.run(v)
	if err == nil {
		if alike := t.alike(got, want); !(alike >= bfloat16Alike) {
			err = fmt.Errorf("%w: a cosine of %.5f", errDiffers, alike)
		}
	}
	if err != nil {
		v.close()
		return nil, &PrecisionError{BFloat16, CPU, s.graph.refused(err)}
	}
	e.loaded(OpenVINO, "")
	return v, nil
}

// float32 loads a graph in the runtime that is faster with it, or in OpenVINO where the settings say so; in ONNX Runtime if OpenVINO's results are not the same.
func (e *Embedder) float32(s *session, options *ort.SessionOptions) (engine, error) {
	o, err := s.graph.onnx(options)
	if err != nil {
		return nil, err
	}
	stay := func(why string) (engine, error) {
		e.loaded(ONNXRuntime, why)
		return o, nil
	}
	library, err := loadOpenVINO(e.processors.OpenVINO)
	if err != nil {
		return stay(err.Error())
	}
	forced := e.processors.Backend == OpenVINO
	notes := measurements{file: e.processors.Measured}
	key := measured(s.graph.from, library.Version())
	ratio, known := notes.get(key)
	if known && !forced && ratio < faster {
		return stay(fmt.Sprintf("OpenVINO is %.2f times as fast, as measured before", ratio))
	}
	v, err := newVino(library, s.graph, e.runtime.cores(), Float32)
	if err != nil {
		return stay(s.graph.refused(err))
	}
	t := e.newTrial(s)
	want, err := t.run(o)
	if err == nil {
		var got []float32
		if got, err = t.run(v); err == nil && !t.same(got, want) {
			err = errDiffers
		}
	}
	if err != nil {
		v.close()
		return stay(s.graph.refused(err))
	}
	if !known && !forced {
		if ratio, err = t.compare(o, v); err != nil {
			v.close()
			return stay(err.Error())
		}
		notes.put(key, ratio)
	}
	if !forced && ratio < faster {
		v.close()
		return stay(fmt.Sprintf("OpenVINO is %.2f times as fast", ratio))
	}
	o.close()
	why := "as it is set"
	if !forced {
		why = fmt.Sprintf("%.2f times as fast as ONNX Runtime", ratio)
	}
	e.loaded(OpenVINO, why)
	return v, nil
}

// loaded tells whoever wants to know.
func (e *Embedder) loaded(b Backend, why string) {
	e.backend = b
	if e.processors.Loaded == nil {
		return
	}
	l := Loaded{Model: e.name, Backend: b, Version: e.runtime.Version(), Why: why, Has: processorHas()}
	if b == OpenVINO {
		l.Version, _, _, _ = TryOpenVINO(e.processors.OpenVINO) // it is loaded
	}
	e.processors.Loaded(l)
}
