"""Loads the models of TestOthersReadWhatIsWritten from a folder into XGBoost and, where it is there, LightGBM, and compares the margins."""
import json
import os
import sys

import numpy as np
import xgboost as xgb

try:
    import lightgbm as lgb
except ImportError:
    lgb = None

folder = sys.argv[1]
failed = False
for m in json.load(open(folder + "/models.json")):
    rows = np.array(m["Rows"], dtype="f").reshape(-1, 5)
    want = np.array(m["Margins"]).reshape(len(rows), -1)
    for form in ("xgboost-json", "xgboost-ubj", "lightgbm-text"):
        path = f"{folder}/{m['Name']}.{form}"
        if not os.path.exists(path):
            continue  # the format has no such model
        if form == "lightgbm-text":
            if lgb is None or m["Name"] == "hinge" or m["Name"].startswith("linear"):
                continue
            model = lgb.Booster(model_file=path)
            # Rounding to float32 is a part of the model: a float64 just above a threshold goes as its float32 does.
            wide = rows.astype("d")
            wide[1::3] = np.nextafter(wide[1::3], -np.inf)
            got, values, also = model.predict(rows, raw_score=True), model.predict(rows), model.predict(wide, raw_score=True)
            assert np.array_equal(got, also) or m["Name"] == "light linear", path
        else:
            model = xgb.Booster()
            model.load_model(bytearray(open(path, "rb").read()))
            data = xgb.DMatrix(rows, feature_names=model.feature_names)
            got, values = model.predict(data, output_margin=True), model.predict(data)
        got = got.reshape(len(rows), -1)
        worst = np.max(np.abs(got - want) / np.maximum(1, np.abs(want)))
        shape = (len(rows), m["Classes"]) if want.shape[1] > 1 else (len(rows),)
        ok = worst <= 1e-6 and values.shape == shape
        failed |= not ok
        print(f"{'ok' if ok else 'NO'}  {m['Name']:14} {form:14} worst {worst:.1e}, names {model.feature_names if form[0] == 'x' else model.feature_name()}")
sys.exit(failed)
