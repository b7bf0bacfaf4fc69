"""Writes quantize.json: vectors and what sentence-transformers' quantize_embeddings makes of them. Needs PyPI's sentence-transformers."""
import json

import numpy as np
from sentence_transformers.util.quantization import quantize_embeddings

dice = np.random.default_rng(7)
cases = []
for rows, width in ((2, 8), (5, 12), (40, 3), (3, 17)):
    vectors = dice.standard_normal((rows, width)).astype(np.float32)
    vectors[:, 0] = 0.25  # no range
    vectors[0, 1] = 0.0  # neither more nor less than 0
    cases.append({"vectors": vectors.tolist(), **{p: quantize_embeddings(vectors, p).tolist() for p in ("int8", "uint8", "binary", "ubinary")}})
with open("quantize.json", "w") as f:
    json.dump(cases, f, separators=(",", ":"))
