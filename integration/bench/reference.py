"""Train XGBoost on half.csv, judge it by other.csv (label first), both in folder argv[1]; argv[2] rounds."""
import sys, time
import numpy as np, xgboost as xgb

half, other = (np.loadtxt(f"{sys.argv[1]}/{n}.csv", delimiter=",", dtype=np.float32) for n in ("half", "other"))
start = time.time()
model = xgb.train({"objective": "multi:softprob", "num_class": 2, "eta": 0.3, "max_depth": 6, "base_score": 0.5},
                  xgb.DMatrix(half[:, 1:], label=half[:, 0]), int(sys.argv[2]))
took = time.time() - start
right = (model.predict(xgb.DMatrix(other[:, 1:])).argmax(1) == other[:, 0]).mean()
print(f"accuracy {right:.4f}  training {took:.2f} s  (xgboost {xgb.__version__})")
