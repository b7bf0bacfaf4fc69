"""Writes scores.onnx and labels.onnx: cross-encoders whose logit can be computed by hand. A token counts a hundredth of its id, and 1 more where its type is 1; the logit is the mean over the
tokens less 0.5. labels.onnx has two such logits. Needs PyPI's onnx."""
import onnx
from onnx import TensorProto as T, helper as h


def write(name, labels):
    def i64(n):
        return h.make_tensor_value_info(n, T.INT64, ["batch", "tokens"])

    def const(n, value, kind=T.FLOAT, dims=()):
        return h.make_tensor(n, kind, dims, value)

    nodes = [
        h.make_node("Cast", ["input_ids"], ["ids"], to=T.FLOAT),
        h.make_node("Cast", ["attention_mask"], ["mask"], to=T.FLOAT),
        h.make_node("Cast", ["token_type_ids"], ["types"], to=T.FLOAT),
        h.make_node("Mul", ["ids", "hundredth"], ["small"]),
        h.make_node("Add", ["small", "types"], ["value"]),
        h.make_node("Mul", ["value", "mask"], ["counted"]),
        h.make_node("ReduceSum", ["counted", "one"], ["sum"], keepdims=1),
        h.make_node("ReduceSum", ["mask", "one"], ["count"], keepdims=1),
        h.make_node("Div", ["sum", "count"], ["mean"]),
        h.make_node("Sub", ["mean", "half"], ["single"]),
        h.make_node("Concat", ["single"] * labels, ["logits"], axis=1),
    ]
    graph = h.make_graph(nodes, name, [i64("input_ids"), i64("attention_mask"), i64("token_type_ids")],
                         [h.make_tensor_value_info("logits", T.FLOAT, ["batch", labels])],
                         [const("hundredth", [0.01]), const("half", [0.5]), const("one", [1], T.INT64, (1,))])
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, name + ".onnx")


write("scores", 1)
write("labels", 2)
