#!/bin/sh
# The body of `make fuzz TIME=1h`: every fuzz target of the tree for that long, JOBS of them at once (all, unless told otherwise; where not all run at once,
# each has its share of the time), each with one worker. FUZZ names a pattern of targets, as in FUZZ='proxy|parser'; OUT is the folder for binaries, logs and the inputs
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

jobs=${JOBS:-$(list | wc -l)}
case $time in *h) time=$((${time%h} * 3600)) ;; *m) time=$((${time%m} * 60)) ;; *) time=${time%s} ;; esac
count=$(list | wc -l)
[ "$jobs" -lt "$count" ] && time=$((time * jobs / count))

: >"$out/pids" # process groups, to stop all for a while: kill -STOP -- $(cat pids)
run() {
	binary=$out/$(name "$1").test
	log=$out/logs/$(name "$1").$2
	corpus=$out/corpus/$(name "$1")
	: >"$log"
	code=0
	end=$(($(date +%s) + time))
	while left=$((end - $(date +%s))) && [ "$left" -gt 0 ]; do
		(cd "$1" && exec setsid "$binary" -test.run '^$' -test.fuzz "^$2\$" -test.fuzztime "${left}s" -test.parallel 1 \
			-test.fuzzminimizetime 100x -test.fuzzcachedir "$corpus" -test.timeout 0 >>"$log" 2>&1) &
		pid=$!
		echo "-$pid" >>"$out/pids"
		wait "$pid"
		code=$?
		input=$(sed -n "s|^ *Failing input written to testdata/fuzz/$2/||p" "$log" | tail -n 1)
		# go takes an execution for hung after ten seconds, which a busy machine can make of any: what passes now was none.
		tail -n 8 "$log" | grep -qE 'hung or terminated|communicating with fuzzing process' || break
		[ "$code" = 0 ] && break
		[ -z "$input" ] && continue
		if ! (cd "$1" && timeout 120 "$binary" -test.run "^$2\$/^$input\$" >>"$log" 2>&1); then
			break
		fi
		rm -f "$1/testdata/fuzz/$2/$input"
		code=0
	done
	echo "$code" >"$log.exit"
}

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
corpora=$out/corpus
printf '%-46s %12s %8s  %s\n' target executions kept outcome
while read -r package target; do
	log=$out/logs/$(name "$package").$target
	case $(cat "$log.exit") in 0) outcome=ok ;; *) outcome="FAILED, see $log" && failed=1 ;; esac
	# A run that was taken up again counts from nothing again.
	count=$(awk '/execs: /{n=$0; sub(/.*execs: /,"",n); n+=0; if (n<last) sum+=last; last=n} END{print sum+last}' "$log")
	# A target skips itself where the library that it is for is not installed.
	[ "$outcome" = ok ] && [ "$count" = 0 ] && outcome="not run: it has skipped itself"
	printf '%-46s %12s %8s  %s\n' "$(name "$package").$target" "$count" \
		"$(ls "$corpora/$(name "$package")/$target" 2>/dev/null | wc -l)" "$outcome"
done <"$out/targets"
exit "$failed"
