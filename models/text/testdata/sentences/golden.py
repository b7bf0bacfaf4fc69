"""Writes what sentence-transformers (float32, PyTorch, eager attention) gives for texts.json with the models that make test-models fetches: NAME.f32, little-endian float32, a vector a text. Needs PyPI's torch,
transformers, sentence-transformers and onnx. Two of the models come as ONNX alone, whose weights are put into a BertModel here: the reference shares the numbers with the graph, and nothing else.

    TEST_MODELS=FOLDER python golden.py"""
import json
import os

import numpy
import onnx
import torch
from onnx import numpy_helper
from sentence_transformers import SentenceTransformer
from transformers import BertConfig, BertModel

here, models = os.path.dirname(os.path.abspath(__file__)), os.environ["TEST_MODELS"]


def from_graph(folder):
    """A BertModel of the initializers of an export: the matrices have lost their names, and are known by the biases that are added to their products."""
    graph = onnx.load(os.path.join(folder, "onnx", "model.onnx")).graph
    arrays = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    state = {name: torch.tensor(a) for name, a in arrays.items() if "." in name and not name.startswith("onnx::") and a.dtype == numpy.float32}
    products = {n.output[0]: n.input[1] for n in graph.node if n.op_type == "MatMul" and n.input[1] in arrays}
    for n in graph.node:
        if n.op_type == "Add":
            for bias, product in (n.input, reversed(n.input)):
                if bias in state and product in products:
                    state[bias.removesuffix("bias") + "weight"] = torch.tensor(arrays[products[product]].T.copy())
    model = BertModel(BertConfig.from_pretrained(folder, attn_implementation="eager"), add_pooling_layer=False)
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and all("position_ids" in m or "token_type_ids" in m for m in missing), (missing, unexpected)
    return model.eval()


texts = json.load(open(os.path.join(here, "texts.json")))
for name in ("all-MiniLM-L6-v2", "bge-small-en-v1.5", "e5-small-v2"):
    folder = os.path.join(models, name)
    weights = os.path.join(folder, "model.safetensors")
    made = not os.path.exists(weights)
    if made:  # for the time of this script
        from_graph(folder).save_pretrained(folder + ".tmp")
        os.rename(os.path.join(folder + ".tmp", "model.safetensors"), weights)
    model = SentenceTransformer(folder, device="cpu", model_kwargs={"attn_implementation": "eager", "dtype": torch.float32})
    vectors = model.encode(texts, batch_size=1)
    numpy.asarray(vectors, "<f4").tofile(os.path.join(here, name + ".f32"))
    print(name, vectors.shape, vectors[0][:5], model.max_seq_length)
    if made:
        os.remove(weights)
