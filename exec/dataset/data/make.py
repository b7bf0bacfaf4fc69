"""Writes the data sets beside this file as scikit-learn (1.9.1) ships them, with PostgresML's columns in its order: NAME.csv.gz, whose first line has the
columns' names and types. Numbers of type real are written as the float32 that the column holds."""
import csv
import gzip
import io

import numpy as np
from sklearn import datasets


def write(name, columns, rows):
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(columns)
    out.writerows(rows)
    # mtime 0: the same bytes each time
    with open(f"{name}.csv.gz", "wb") as f, gzip.GzipFile("", "wb", 9, f, 0) as z:
        z.write(text.getvalue().encode())


def real(v):
    return str(np.float32(v))


def table(name, target, kind, names=None, order=None, label=int):
    d = getattr(datasets, "load_" + name)()
    names = list(names or d.feature_names)
    at = [names.index(n) for n in order or names]
    write(name, [f"{names[j]} real" for j in at] + [f"{target} {kind}"],
          ([real(x[j]) for j in at] + [label(y)] for x, y in zip(d.data, d.target)))


table("iris", "target", "integer", ["sepal_length", "sepal_width", "petal_length", "petal_width"])
table("wine", "target", "integer", order=["alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols", "flavanoids", "nonflavanoid_phenols",
                                          "proanthocyanins", "hue", "color_intensity", "od280/od315_of_diluted_wines", "proline"])
table("diabetes", "target", "real", label=real)
table("breast_cancer", "malignant", "boolean", label=lambda y: ["true", "false"][y])  # scikit-learn's 0 is malignant

d = datasets.load_digits()
write("digits", ["image smallint[][]", "target smallint"],
      (["{" + ",".join("{" + ",".join(str(int(v)) for v in line) + "}" for line in image) + "}", int(y)] for image, y in zip(d.images, d.target)))

d = datasets.load_linnerud()
write("linnerud", [f"{n.lower()} real" for n in d.feature_names + d.target_names],
      ([real(v) for v in list(x) + list(y)] for x, y in zip(d.data, d.target)))
