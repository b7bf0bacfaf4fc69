"""Fit what is in folder argv[1] by the setting named argv[2], with argv[3] threads and argv[4] features, in every library that is there; print a line of JSON for each."""
import json, sys, time
import numpy as np

folder, setting, threads, width = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
read = lambda name: np.fromfile(f"{folder}/{name}", dtype=np.float32)
x, y, hx, hy = read("fit.x").reshape(-1, width), read("fit.y"), read("held.x").reshape(-1, width), read("held.y")


def auc(score):
    order = np.argsort(score, kind="stable")
    rank = np.empty(len(score))
    rank[order] = np.arange(1, len(score) + 1)
    n = hy.sum()
    return float((rank[hy == 1].sum() - n * (n + 1) / 2) / (n * (len(hy) - n)))


def tell(peer, begin, binned, end, score):
    print(json.dumps({"peer": peer, "bin": binned - begin, "train": end - binned, "auc": auc(score)}), flush=True)


leafwise = setting.startswith("255 leaves")
symmetric = setting.startswith("symmetric")
rounds = 50 if leafwise else 100

try:
    import xgboost as xgb

    p = {"objective": "binary:logistic", "nthread": threads, "tree_method": "hist", "max_bin": 256}
    p |= {"max_depth": 0, "max_leaves": 255, "grow_policy": "lossguide", "eta": 0.1} if leafwise else {"max_depth": 6}
    if not symmetric:
        begin = time.time()
        d = xgb.QuantileDMatrix(x, label=y, max_bin=256, nthread=threads)
        binned = time.time()
        m = xgb.train(p, d, rounds)
        tell("XGBoost " + xgb.__version__, begin, binned, time.time(), m.inplace_predict(hx))
except ImportError:
    pass

try:
    import lightgbm as lgb

    for quantized in () if symmetric else (False, True):
        p = {"objective": "binary", "num_threads": threads, "max_bin": 255, "verbosity": -1, "use_quantized_grad": quantized}
        p |= {"num_leaves": 255, "learning_rate": 0.1} if leafwise else {"num_leaves": 64, "max_depth": 6, "learning_rate": 0.3}
        begin = time.time()
        d = lgb.Dataset(x, label=y, params=p).construct()
        binned = time.time()
        m = lgb.train(p, d, rounds)
        tell("LightGBM " + lgb.__version__ + (", quantized" if quantized else ""), begin, binned, time.time(), m.predict(hx))
except ImportError:
    pass

try:
    if leafwise:
        raise ImportError
    import catboost as cb

    begin = time.time()
    d = cb.Pool(x, y)
    d.quantize(border_count=254)
    binned = time.time()
    m = cb.CatBoostClassifier(iterations=rounds, depth=6, learning_rate=0.3, thread_count=threads, verbose=False, allow_writing_files=False)
    m.fit(d)
    tell("CatBoost " + cb.__version__, begin, binned, time.time(), m.predict(hx, prediction_type="RawFormulaVal"))
except ImportError:
    pass
