// Package onnxcheck looks at the files of an ONNX graph before ONNX Runtime does, which is C++ and believes more of what it reads than it should. It walks the protobuf
// without copying it, reads no weights, and refuses what no exporter of a text model writes: weights outside the model's folder or of another size than their shape, operators that read files,
// loop without end or take texts, and numbers that would make the runtime allocate without measure.
//
// What it cannot see is what a graph computes from its inputs: a graph whose own arithmetic makes a tensor of a terabyte out of a short text passes, and fails, or is killed, when it runs. Only a limit of the process's
// memory (a cgroup) covers that.
package onnxcheck
