"""Fit what is in folder argv[1] by the setting named argv[2], with argv[3] threads and argv[4] features, in every library that is there; print a line of JSON for each."""
import json, resource, sys, time
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


def status(name):
    return next(float(line.split()[1]) / 1024 for line in open("/proc/self/status") if line.startswith(name + ":"))


def processor():
    u = resource.getrusage(resource.RUSAGE_SELF)
    return u.ru_utime + u.ru_stime


class Fit:
    """A fit: what it takes, from its making on."""

    def __init__(self, peer):
        open("/proc/self/clear_refs", "w").write("5")
        self.peer, self.memory, self.cpu, self.begin = peer, status("VmRSS"), processor(), time.time()

    def binned(self):
        self.bin = time.time()

    def tell(self, predict):
        end, cpu, memory = time.time(), processor() - self.cpu, status("VmHWM") - self.memory
        score = predict(hx)
        some, least = hx[:100_000], 1e9
        for _ in range(5):
            used = processor()
            predict(some)
            least = min(least, processor() - used)
        print(json.dumps({"peer": self.peer, "bin": self.bin - self.begin, "train": end - self.bin, "cpu": cpu, "memory": memory, "auc": auc(score), "scored": len(some), "predict": least}), flush=True)


leafwise = setting.startswith("255 leaves")
symmetric = setting.startswith("symmetric")
rounds = 50 if leafwise else 100

try:
    import xgboost as xgb

    p = {"objective": "binary:logistic", "nthread": threads, "tree_method": "hist", "max_bin": 256}
    p |= {"max_depth": 0, "max_leaves": 255, "grow_policy": "lossguide", "eta": 0.1} if leafwise else {"max_depth": 6}
    if not symmetric:
        fit = Fit("XGBoost " + xgb.__version__)
        d = xgb.QuantileDMatrix(x, label=y, max_bin=256, nthread=threads)
        fit.binned()
        m = xgb.train(p, d, rounds)
        m.set_param({"nthread": 1})
        fit.tell(m.inplace_predict)
        del d, m
except ImportError:
    pass

try:
    import lightgbm as lgb

    for quantized in () if symmetric else (False, True):
        p = {"objective": "binary", "num_threads": threads, "max_bin": 255, "verbosity": -1, "use_quantized_grad": quantized}
        p |= {"num_leaves": 255, "learning_rate": 0.1} if leafwise else {"num_leaves": 64, "max_depth": 6, "learning_rate": 0.3}
        fit = Fit("LightGBM " + lgb.__version__ + (", quantized" if quantized else ""))
        d = lgb.Dataset(x, label=y, params=p).construct()
        fit.binned()
        m = lgb.train(p, d, rounds)
        fit.tell(lambda rows: m.predict(rows, num_threads=1))
        del d, m
except ImportError:
    pass

try:
    if leafwise:
        raise ImportError
    import catboost as cb

    fit = Fit("CatBoost " + cb.__version__)
    d = cb.Pool(x, y)
    d.quantize(border_count=254)
    fit.binned()
    m = cb.CatBoostClassifier(iterations=rounds, depth=6, learning_rate=0.3, thread_count=threads, verbose=False, allow_writing_files=False)
    m.fit(d)
    fit.tell(lambda rows: m.predict(rows, prediction_type="RawFormulaVal", thread_count=1))
except ImportError:
    pass
