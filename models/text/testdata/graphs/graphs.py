"""Writes the small graphs that FuzzGraph changes: between them they have most operators that graphs of encoders are made of. Each takes token ids and gives eight numbers a token. Needs PyPI's onnx."""
import numpy as np
import onnx
from onnx import TensorProto as T, helper as h, numpy_helper as nh

rng = np.random.default_rng(7)
W, VOCAB, HEADS = 8, 16, 2


class Graph:
    def __init__(self):
        self.nodes, self.weights, self.count, self.names = [], [], 0, {}

    def new(self):
        self.count += 1
        return f"t{self.count}"

    def __call__(self, op, *inputs, domain="", outputs=1, **attributes):
        names = [self.new() for _ in range(outputs)]
        self.nodes.append(h.make_node(op, [i if isinstance(i, str) else self.const(i) for i in inputs], names, domain=domain, **attributes))
        return names[0] if outputs == 1 else names

    def const(self, value):
        array = np.asarray(value)
        if array.dtype == np.float64:
            array = array.astype(np.float32)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self.names:
            self.names[key] = self.new()
            self.weights.append(nh.from_array(array, self.names[key]))
        return self.names[key]

    def random(self, *shape):
        return self.const((rng.standard_normal(shape) / 2).astype(np.float16).astype(np.float32))

    def write(self, name, out, opset=17, checked=True):
        self.nodes.append(h.make_node("Identity", [out], ["last_hidden_state"]))
        ids = [h.make_tensor_value_info(n, T.INT64, ["b", "s"]) for n in ("input_ids", "attention_mask")]
        graph = h.make_graph(self.nodes, name, ids, [h.make_tensor_value_info("last_hidden_state", T.FLOAT, ["b", "s", W])], self.weights)
        model = h.make_model(graph, opset_imports=[h.make_opsetid("", opset), h.make_opsetid("com.microsoft", 1)], ir_version=8)
        if checked:
            onnx.checker.check_model(model)
        onnx.save(model, name + ".onnx")


def ints(*v):
    return np.array(v, np.int64)


# encoder: BERT as exporters write it, with the arithmetic of shapes.
g = Graph()
shape = g("Shape", "input_ids")
batch, tokens = g("Gather", shape, np.int64(0), axis=0), g("Gather", shape, np.int64(1), axis=0)
places = g("Unsqueeze", g("Range", np.int64(0), tokens, np.int64(1)), ints(0))
places = g("Slice", g("Expand", places, shape), ints(0), ints(9), ints(1), ints(1))
x = g("Add", g("Gather", g.random(VOCAB, W), g("Mod", "input_ids", np.int64(VOCAB))), g("Gather", g.random(VOCAB, W), g("Clip", places, np.int64(0), np.int64(VOCAB - 1))))
x = g("LayerNormalization", x, g.random(W), g.random(W), axis=-1, epsilon=1e-5)
mask = g("Unsqueeze", g("Unsqueeze", g("Cast", "attention_mask", to=T.FLOAT), ints(1)), ints(2))
mask = g("Mul", g("Sub", np.float32(1), mask), np.float32(-1e4))
split = g("Concat", g("Unsqueeze", batch, ints(0)), g("Unsqueeze", tokens, ints(0)), ints(HEADS), ints(W // HEADS), axis=0)


def heads(w, perm):
    return g("Transpose", g("Reshape", g("MatMul", x, w), split), perm=perm)


q, k, v = heads(g.random(W, W), [0, 2, 1, 3]), heads(g.random(W, W), [0, 2, 3, 1]), heads(g.random(W, W), [0, 2, 1, 3])
p = g("Softmax", g("Add", g("Div", g("MatMul", q, k), np.float32(2)), mask), axis=-1)
x = g("Add", x, g("Reshape", g("Transpose", g("MatMul", p, v), perm=[0, 2, 1, 3]), ints(0, 0, W)))
mean = g("ReduceMean", x, axes=[-1])
x = g("Div", g("Sub", x, mean), g("Sqrt", g("Add", g("ReduceMean", g("Pow", x, np.float32(2)), axes=[-1]), np.float32(1))))
x = g("Mul", g("Mul", x, g("Add", g("Erf", g("Div", x, np.float32(1.4))), np.float32(1))), np.float32(0.5))
ones = g("ConstantOfShape", shape, value=h.make_tensor("v", T.INT64, [1], [1]))
x = g("Where", g("Unsqueeze", g("Equal", g("CumSum", ones, np.int64(1)), np.int64(-1)), ints(2)), np.float32(0), x)
g.write("encoder", x)

# quantized: int8 as ONNX Runtime's dynamic quantization writes it.
g = Graph()
table = g("DequantizeLinear", g.const(rng.integers(0, 255, (VOCAB, W)).astype(np.uint8)), np.float32(0.01), np.uint8(128))
x = g("Gather", table, g("Mod", "input_ids", np.int64(VOCAB)))
q, scale, zero = g("DynamicQuantizeLinear", x, outputs=3)
x = g("Mul", g("Cast", g("MatMulInteger", q, g.const(rng.integers(-128, 127, (W, W)).astype(np.int8)), zero, np.int8(0)), to=T.FLOAT), g("Mul", scale, np.float32(0.01)))
x = g("MatMulIntegerToFloat", g("QuantizeLinear", x, np.float32(0.02), np.uint8(128)), g.const(rng.integers(-128, 127, (W, W)).astype(np.int8)), np.float32(0.02), np.float32(0.01), np.uint8(128), np.int8(0), domain="com.microsoft")
x = g("DynamicQuantizeMatMul", x, g.const(rng.integers(-128, 127, (W, W)).astype(np.int8)), np.float32(0.01), np.int8(0), g.random(W), domain="com.microsoft")
x = g("MatMulNBits", x, g.const(rng.integers(0, 255, (W, 1, 8)).astype(np.uint8)), g.random(W), domain="com.microsoft", K=W, N=W, bits=4, block_size=16)
x = g("Cast", g("Cast", x, to=T.FLOAT16), to=T.FLOAT)
g.write("quantized", x, checked=False)

# fused: what ONNX Runtime's own optimizer leaves.
g = Graph()
M = dict(domain="com.microsoft")
ids = g("Cast", g("Mod", "input_ids", np.int64(VOCAB)), to=T.INT32)
m32 = g("Cast", "attention_mask", to=T.INT32)
x, lengths, _ = g("EmbedLayerNormalization", ids, "", g.random(VOCAB, W), g.random(VOCAB, W), "", g.random(W), g.random(W), m32, outputs=3, **M)
a = g("Attention", x, g.random(W, 3 * W), g.random(3 * W), lengths, num_heads=HEADS, **M)
x = g("SkipLayerNormalization", x, a, g.random(W), g.random(W), g.random(W), **M)
a = g("MultiHeadAttention", g("FusedMatMul", x, g.random(W, W), alpha=0.5, transB=1, **M), g("MatMul", x, g.random(W, W)), g("MatMul", x, g.random(W, W)), num_heads=HEADS, **M)
x = g("SkipSimplifiedLayerNormalization", x, a, g.random(W), **M)
x = g("FastGelu", x, g.random(W), **M)
x = g("BiasGelu", g("Gelu", g("QuickGelu", x, alpha=1.7, **M), **M), g.random(W), **M)
x = g("QAttention", g("QuantizeLinear", x, np.float32(0.02), np.uint8(128)), g.const(rng.integers(-128, 127, (W, 3 * W)).astype(np.int8)), g.random(3 * W), np.float32(0.02), np.float32(0.01), "", np.uint8(128), np.int8(0),
      num_heads=HEADS, **M)
cos = g.random(VOCAB, W // HEADS // 2)
x = g("RotaryEmbedding", x, g("Mod", "input_ids", np.int64(VOCAB)), cos, cos, num_heads=HEADS, **M)
g.write("fused", x, checked=False)

# mixed: a branch, and operators that pick, place and reorder.
g = Graph()
f = g("Cast", "input_ids", to=T.FLOAT)
x = g("Tile", g("Unsqueeze", f, ints(2)), ints(1, 1, W))
a, b = g("Split", x, axis=2, outputs=2)
x = g("Concat", b, g("Einsum", a, g.random(W // 2, W // 2), equation="bsi,ij->bsj"), axis=2)
values, where = g("TopK", x, ints(4), axis=-1, outputs=2)
x = g("Add", x, g("Pad", g("GatherElements", x, where, axis=2), ints(0, 0, 4, 0, 0, 0)))
x = g("ScatterElements", x, where, values, axis=2)
x = g("Add", x, g("Cast", g("OneHot", g("ArgMax", x, axis=2, keepdims=0), np.int64(W), np.array([0, 1], np.int64), axis=-1), to=T.FLOAT))
x = g("Add", x, g("ReduceSum", g("GatherND", x, g("Transpose", g("NonZero", "attention_mask"), perm=[1, 0])), ints(0), keepdims=1))
x = g("ScatterND", x, np.array([[0, 0]], np.int64), g.random(1, W))
x = g("Transpose", g("Conv", g("Transpose", x, perm=[0, 2, 1]), g.random(W, W // 2, 3), group=2, pads=[1, 1], kernel_shape=[3], strides=[1], dilations=[1]), perm=[0, 2, 1])
x = g("MatMul", x, g("Trilu", g("Add", g("EyeLike", g.random(W, W)), np.float32(1)), upper=0))
x = g("Gemm", g("Reshape", x, ints(-1, W)), g.random(W, W), g.random(W), transB=1)
x = g("Reshape", x, g("Concat", g("Shape", "input_ids"), ints(W), axis=0))
branch = [h.make_graph([h.make_node(op, [x], ["y"])], op, [], [h.make_tensor_value_info("y", T.FLOAT, None)]) for op in ("Tanh", "Relu")]
x = g("If", g("Greater", g("Squeeze", g("ReduceMax", "input_ids")), np.int64(3)), then_branch=branch[0], else_branch=branch[1])
x = g("BatchNormalization", g("Reshape", x, ints(-1, W)), g.random(W), g.random(W), g.random(W), g("Abs", g.random(W)))
x = g("Dropout", g("Reshape", g("Flatten", x), g("Concat", g("Shape", "input_ids"), ints(W), axis=0)))
g.write("mixed", x)

# outside: weights in a file beside the graph.
table = onnx.TensorProto(name="table", data_type=T.FLOAT, dims=[VOCAB, W])
table.data_location = T.EXTERNAL
for key, value in (("location", "outside.onnx_data"), ("offset", "0"), ("length", str(4 * VOCAB * W))):
    entry = table.external_data.add()
    entry.key, entry.value = key, value
graph = h.make_graph([h.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"])], "outside", [h.make_tensor_value_info("input_ids", T.INT64, ["b", "s"])],
                     [h.make_tensor_value_info("last_hidden_state", T.FLOAT, ["b", "s", W])], [table])
onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8), "outside.onnx")
open("outside.onnx_data", "wb").write(rng.standard_normal((VOCAB, W)).astype(np.float32).tobytes())
