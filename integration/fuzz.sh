#!/bin/sh
# The body of `make fuzz TIME=1h`: every fuzz target of the tree for that long, JOBS of them at once (all, unless told otherwise), each with
# one worker. FUZZ names a pattern of targets, as in FUZZ='proxy|parser'; OUT is the folder for binaries, logs and the inputs
# that were found worth keeping, where the next run goes on. A finding is left in the package's testdata/fuzz, as go does it, and fails the run.
go=${1:-go}
time=${TIME:-10m}
pattern=${FUZZ:-.}
out=${OUT:-bin/fuzz}
mkdir -p "$out/logs" && out=$(cd "$out" && pwd) || exit 2
[ -x bin/setup ] && eval "$(bin/setup -env)"
export PGOWL_FUZZING=1

# "./proxy FuzzSession" for each target.
list() {
	grep -rE --include='*_test.go' -o '^func Fuzz[A-Za-z0-9_]+' . | sed -E 's|^(.*)/[^/]*:func (Fuzz.*)$|\1 \2|' | sort -u | grep -E "$pattern"
}
name() { echo "$1" | sed 's|^\./||; s|/|-|g'; }

# Binaries first: a tree that changes meanwhile changes nothing for who is running.
for package in $(list | cut -d' ' -f1 | sort -u); do
	"$go" test -c -fuzz . -o "$out/$(name "$package").test" "$package" >"$out/logs/build" 2>&1 || { cat "$out/logs/build"; exit 1; }
done

: >"$out/pids" # process groups, to stop all for a while: kill -STOP -- $(cat pids)
run() {
	binary=$out/$(name "$1").test
	log=$out/logs/$(name "$1").$2
	(cd "$1" && exec setsid "$binary" -test.run '^$' -test.fuzz "^$2\$" -test.fuzztime "$time" -test.parallel 1 -test.fuzzminimizetime 100x \
		-test.fuzzcachedir "$out/corpus/$(name "$1")" -test.timeout 0 >"$log" 2>&1) &
	pid=$!
	echo "-$pid" >>"$out/pids"
	wait "$pid"
	echo "$?" >"$log.exit"
}

jobs=${JOBS:-$(list | wc -l)}
started=0
list >"$out/targets"
rm -f "$out"/logs/*.exit
while read -r package target; do
	run "$package" "$target" &
	started=$((started + 1))
	[ "$((started % jobs))" = 0 ] && wait
done <"$out/targets"
wait

failed=0
printf '%-46s %12s %10s %8s  %s\n' target executions seconds kept outcome
while read -r package target; do
	log=$out/logs/$(name "$package").$target
	last=$(grep -E '^fuzz: elapsed: .* execs: ' "$log" | tail -n 1)
	case $(cat "$log.exit") in 0) outcome=ok ;; *) outcome="FAILED, see $log" && failed=1 ;; esac
	printf '%-46s %12s %10s %8s  %s\n' "$(name "$package").$target" \
		"$(echo "$last" | sed -E 's/.*execs: ([0-9]+).*/\1/')" "$(echo "$last" | sed -E 's/.*elapsed: ([^,]+),.*/\1/')" \
		"$(ls "$out/corpus/$(name "$package")/$target" 2>/dev/null | wc -l)" "$outcome"
done <"$out/targets"
exit "$failed"
