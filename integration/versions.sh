#!/bin/sh
# The body of `make test-versions`: the tests of what runs inside the server, on each major version that `bin/setup -servers` has brought.
# VERSIONS='13 18' picks some, LANES_COUNT says how many statements are generated. The argument is the go command.
go=${1:-go}
eval "$(bin/setup -env)"
failed=""
for bin in "$PGTEST_SERVERS"/*/bin; do
	major=$(basename "$(dirname "$bin")")
	case " ${VERSIONS:-$major} " in *" $major "*) ;; *) continue ;; esac
	printf '\n== %s\n' "$("$bin/postgres" --version)"
	# One package after the other: each has a server.
	for package in ./exec/catalog ./exec/call ./integration/lanes ./integration/forms ./integration/vectorize; do
		out=$(mktemp)
		PGTEST_POSTGRES=$bin "$go" test -count=1 -timeout 20m -v "$package" >"$out" 2>&1 || {
			failed="$failed $major:$package"
			grep -E '^ *(--- FAIL|panic:|want |got |[a-z_]+\.go:)' "$out" | head -60
		}
		grep -E '^(ok|FAIL)[ 	]|statements x' "$out"
		rm -f "$out"
	done
done
if [ -n "$failed" ]; then
	echo "== make test-versions: FAILED:$failed"
	exit 1
fi
echo "== make test-versions: passed"
