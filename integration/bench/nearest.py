# Searches by faiss's IndexFlatIP among as many random vectors as the arguments say, and answers each line with a number of queries on its standard input by the seconds that
# it took and those of the processors.
import resource
import sys
import time

import faiss
import numpy

rows, dims, k = (int(a) for a in sys.argv[1:])
rng = numpy.random.default_rng(1)
index = faiss.IndexFlatIP(dims)
for first in range(0, rows, 50_000):
    block = rng.standard_normal((min(50_000, rows - first), dims), dtype=numpy.float32)
    faiss.normalize_L2(block)
    index.add(block)
processors_there = faiss.omp_get_max_threads()
print("ready", flush=True)


def processors():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


for line in sys.stdin:
    queries = rng.standard_normal((int(line), dims), dtype=numpy.float32)
    faiss.normalize_L2(queries)
    tries = []
    # Its threads spin while they wait for each other, which on busy processors takes longer than one thread does: the better counts.
    for threads in 1, processors_there:
        faiss.omp_set_num_threads(threads)
        start, used = time.perf_counter(), processors()
        index.search(queries, k)
        tries.append((time.perf_counter() - start, processors() - used))
    print(min(t[0] for t in tries), min(t[1] for t in tries), flush=True)
