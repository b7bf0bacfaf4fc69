// Package onnxgraph writes the ONNX graph of a transformers encoder that has only its settings and weights: config.json and model.safetensors (or
// the files of model.safetensors.index.json). The graph is the plain one of eager attention, operator by operator in the order in which exporters write them, so that
// runtimes find in it what they fuse and give the numbers that they give for an export. It knows BERT and its kin (kinds.go), with a head for sequence
// classification or without. The folder comes from outside: what is not known is refused by name, shapes are checked against the settings, and pickles are
// never read. Code of a model's own (auto_map) is refused, too.
package onnxgraph
