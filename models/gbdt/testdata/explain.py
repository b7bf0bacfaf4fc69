"""Writes explain.json: what XGBoost (3.2.0) says of the features of some cases of golden.py: get_score, and pred_contribs of the first test rows."""
import json

import numpy as np
import xgboost as xgb

from golden import CASES, NAMES, ROWS, data  # which writes golden.json again

WANTED = {"missing", "penalties", "parallel trees", "lossguide", "poisson", "logistic, weighted", "three classes, missing"}
EXPLAINED = 6


def short(values):
    return [float(np.format_float_positional(v, 9, fractional=False)) for v in np.ravel(values)]


out = []
for name, kind, classes, params in CASES:
    if name not in WANTED:
        continue
    x, y = data("missing" in name)
    if classes == 2:
        y = (y > 1.5) * 1.0
    elif classes == 3:
        y = (y > 0.8) * 1.0 + (y > 1.8) * 1.0
    elif kind == "count":
        y = np.floor(np.maximum(y, 0))
    p = {NAMES.get(k, k): v for k, v in params.items()}
    rounds = p.pop("n_estimators", 10)
    p.setdefault("objective", "multi:softprob" if classes else "reg:squarederror")
    p["objective"] = p["objective"].replace("softmax", "softprob")
    p["tree_method"] = "hist"
    if "multi" in p["objective"]:
        p |= {"num_class": classes, "base_score": 0.5}
    model = xgb.train(p, xgb.DMatrix(x[:ROWS], label=y[:ROWS]), rounds)
    scores = [[model.get_score(importance_type=t).get("f%d" % f, 0) for t in ("gain", "cover", "weight")] for f in range(x.shape[1])]
    contributions = model.predict(xgb.DMatrix(x[ROWS:ROWS + EXPLAINED]), pred_contribs=True)
    out.append({"name": name, "scores": [short(s) for s in scores], "contributions": short(contributions)})
with open("explain.json", "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(c) for c in out) + "\n]\n")
