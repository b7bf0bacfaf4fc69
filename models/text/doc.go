// Package text turns texts into vectors with sentence-transformers models in their ONNX form: it reads a model's folder, makes
// token ids, runs the graph in ONNX Runtime on the CPU, and pools. It never touches the network; a model or a library that is not
// there is an error that says how to get it. Errors are a *MissingError or *names.Error (no such model), a *ModelError (a bad one), a
// *LibraryError (no ONNX Runtime), an *OptionError (a bad option of a call) or the cause of the call's context.
package text
