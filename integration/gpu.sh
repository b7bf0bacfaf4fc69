#!/bin/sh
# Checks text models on a GPU, on a machine that need not have Go, this tree, or a network.
#
#   integration/gpu.sh pack OUT LIBRARY [MODELS]   puts the test program, ONNX Runtime with its CUDA provider (LIBRARY is the path of libonnxruntime.so.*, the provider beside it) and
#                                                  the model all-MiniLM-L6-v2 (of MODELS, or the model folder) into OUT/gpu, and the same into OUT/parts, in pieces of PART (56m)
#   gpu.sh join PARTS TO                           makes the folder TO/gpu of the pieces, which may have come one by one
#   gpu/gpu.sh run [OUT]                           runs the tests and the benchmark there; what they print, and how busy the card was, goes to OUT (the folder itself), too
#
# The machine needs NVIDIA's driver, and CUDA's libraries of the provider's version: those of PyTorch, or of any Python on the machine (nvidia/*/lib in its packages), will do; else CUDA_LIBS names their
# folders, with colons. Fails if a test does, or if there is no GPU.
set -e
case $1 in
pack)
	out=$2 library=$3 models=${4:-${PGOWL_MODELS:?the model folder}}
	rm -rf "$out/gpu" "$out/parts"
	mkdir -p "$out/gpu/models" "$out/parts"
	"${GO:-go}" test -c -o "$out/gpu/text.test" ./models/text
	cp -L "$library" "$out/gpu/libonnxruntime.so"
	for l in cuda shared; do cp -L "$(dirname "$library")/libonnxruntime_providers_$l.so" "$out/gpu/"; done
	cp -rL "$models/all-MiniLM-L6-v2" "$out/gpu/models/"
	cp "$0" "$out/gpu/gpu.sh"
	tar -C "$out" -cz gpu | split -b "${PART:-56m}" - "$out/parts/gpu.tar.gz."
	ls -l "$out/parts"
	;;
join)
	mkdir -p "$3"
	cat "$2"/gpu.tar.gz.* | tar -C "$3" -xz
	;;
run)
	cd "$(dirname "$0")"
	here=$PWD
	out=${2:-$here}
	libs=$here:$CUDA_LIBS
	for p in "${PYTHON:-python3}" python; do
		libs=$libs:$("$p" -c 'import glob, site, sys
print(":".join(d for s in {*sys.path, *site.getsitepackages()} if s for d in glob.glob(s + "/nvidia/*/lib")))' 2>/dev/null || true)
	done
	export PGOWL_ONNXRUNTIME="$here/libonnxruntime.so" PGOWL_MODELS="$here/models" LD_LIBRARY_PATH="$libs:$LD_LIBRARY_PATH"
	nvidia-smi | tee "$out/gpu.log" || true
	"$here/text.test" -test.v -test.count=1 -test.run '^TestDevice' >"$out/tests.log" 2>&1 || { cat "$out/tests.log"; exit 1; }
	cat "$out/tests.log"
	if grep -q -- '--- SKIP' "$out/tests.log"; then exit 1; fi
	nvidia-smi --query-gpu=utilization.gpu,memory.used --format=csv -lms 200 >"$out/busy.csv" 2>/dev/null &
	smi=$!
	"$here/text.test" -test.run '^$' -test.bench Device -test.benchtime 5x -test.count 3 2>&1 | tee "$out/bench.log"
	kill $smi 2>/dev/null || true
	;;
*)
	sed -n '2,12p' "$0"
	exit 2
	;;
esac
