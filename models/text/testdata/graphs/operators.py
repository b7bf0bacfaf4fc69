"""Writes operators.txt, from which FuzzOperator makes graphs: a line for each operator that the check knows, with its domain, the fewest and the most inputs, its outputs, the type of each input, what the types may be,
and the attributes with their kinds. Needs PyPI's onnxruntime."""
import re
import sys

from onnxruntime.capi import onnxruntime_pybind11_state as ort

LETTERS = {"tensor(float)": "f", "tensor(float16)": "h", "tensor(uint8)": "B", "tensor(int8)": "b", "tensor(int32)": "i", "tensor(int64)": "l", "tensor(bool)": "?", "tensor(double)": "d"}
KINDS = {"FLOAT": "f", "INT": "i", "STRING": "s", "TENSOR": "t", "FLOATS": "F", "INTS": "I"}

source = open("../../onnxcheck/operators.go").read()
known = {domain: set(words.split()) for domain, words in re.findall(r'"([a-z.]*)":\s+set\(`([^`]*)`\)', source)}
latest = {}
for s in ort.get_all_operator_schema():
    if s.name in known.get(s.domain, ()) and (s.since_version <= 23) and s.since_version > latest.get((s.domain, s.name), (0,))[0]:
        latest[s.domain, s.name] = (s.since_version, s)
with open("operators.txt", "w") as out:
    for (domain, name), (_, s) in sorted(latest.items()):
        types, inputs = {}, []
        for c in s.type_constraints:
            types[c.type_param_str] = "".join(LETTERS[t] for t in LETTERS if t in c.allowed_type_strs)
        for p in s.inputs:
            inputs.append(p.typeStr if p.typeStr in types else LETTERS.get(p.typeStr, "f"))
        used = {t: types[t] or "f" for t in inputs if t in types}
        attributes = [f"{a}:{KINDS[k]}" for a, k in ((a, str(v.type).split(".")[-1]) for a, v in s.attributes.items()) if k in KINDS]
        most = len(inputs) if s.max_input > 64 else s.max_input
        print(domain or "-", name, s.min_input, max(most, 4) if s.max_input > 64 else most, min(s.max_output, 4), ",".join(inputs) or "-", ";".join(f"{k}={v}" for k, v in used.items()) or "-",
              ",".join(attributes) or "-", file=out)
