// Package text turns texts into vectors, and scores documents for queries, with sentence-transformers models: it reads a model's folder, makes token ids, runs the graph (an ONNX file, or
// one that is written for safetensors) in ONNX Runtime on the processors or a GPU, or in OpenVINO on the processors, and pools. Texts of all calls that wait for a model go through it
// together. It never touches the network; a model or a library that is not there is an error that says how to get it. Errors are a *MissingError or *names.Error (no such model), a
// *RevisionError (another one), a *ModelError (a bad one, which may be of a *PrecisionError or *DeviceError), a *LibraryError (no runtime), an *OptionError (a bad option of a call), ErrClosed, or
// the cause of the call's context.
package text
