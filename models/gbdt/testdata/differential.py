"""Fits XGBoost to the trials of differential_test.go (JSON on the input) and writes what it predicts for their own rows."""
import json
import sys

import numpy as np
import xgboost as xgb

xgb.set_config(verbosity=0)
out = []
for c in json.load(sys.stdin):
    x = np.array([np.nan if v is None else v for v in c["x"]], "f").reshape(c["rows"], -1)
    p = dict(c["params"])
    rounds = int(p.pop("n_estimators"))
    for k in ("lambdarank_num_pair_per_sample", "max_depth", "max_leaves", "num_parallel_tree"):
        if k in p:
            p[k] = int(p[k])
    p.setdefault("objective", "multi:softprob" if c["classes"] else "reg:squarederror")
    p |= {"tree_method": "hist", "nthread": 1}
    if p["objective"] == "multi:softprob":
        p |= {"num_class": c["classes"], "base_score": 0.5}
    try:
        matrix = xgb.DMatrix(x, weight=c["w"])
        if c["u"]:
            matrix.set_info(label_lower_bound=np.array(c["y"], "f"), label_upper_bound=np.array([np.inf if v is None else v for v in c["u"]], "f"))
        else:
            matrix.set_info(label=np.array(c["y"], "f"), qid=c["q"])
        model = xgb.train(p, matrix, rounds)
        want = model.predict(xgb.DMatrix(x))
        if p["objective"] == "binary:logitraw" and c["classes"]:
            want = 1 / (1 + np.exp(-want))
        if c["classes"] and want.ndim == 1:
            want = np.stack([1 - want, want], 1)
        out.append({"want": [None if np.isnan(v) else float(v) for v in want.ravel()], "error": ""})
    except xgb.core.XGBoostError as e:
        out.append({"want": [], "error": str(e)[:300]})
json.dump(out, sys.stdout)
