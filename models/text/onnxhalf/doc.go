// Package onnxhalf makes a graph of float32 one of float16: weights and constants are rounded, and what the graph says of its types is changed with them. It is for graphs of text models that onnxcheck has passed, and refuses what it does not know how to convert. It knows no runtime: whether one has kernels for the result is its own business.
package onnxhalf
