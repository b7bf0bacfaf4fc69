#!/bin/sh
# The body of `make test`: format, vet, build, tests; the last lines say what came out. The argument is the go command.
go=${1:-go}
eval "$(bin/setup -env)"
failed=""

unformatted=$(find . -name '*.go' -not -path './bin/*' -exec "$(dirname "$(command -v "$go")")/gofmt" -l {} + 2>/dev/null || gofmt -l .)
if [ -n "$unformatted" ]; then
	printf 'not formatted by gofmt:\n%s\n' "$unformatted"
	failed="$failed gofmt"
fi
"$go" build -o bin/pgowl . || failed="$failed build"
"$go" vet ./... || failed="$failed vet"

out=$(mktemp)
# -count=1: the tests from outside run programs that go's cache of results knows nothing of.
{ "$go" test -count=1 -timeout 15m ./... 2>&1; echo "exit $?"; } | tee "$out" | grep -v '^exit '
[ "$(tail -n 1 "$out")" = "exit 0" ] || failed="$failed tests"

printf '\n== packages: %s passed, %s failed, %s without tests\n' \
	"$(grep -c '^ok ' "$out")" "$(grep -c '^FAIL	' "$out")" "$(grep -c 'no test files' "$out")"
grep '^FAIL	' "$out"
grep -h -- '^ *--- FAIL' "$out" | head -50
rm -f "$out"
if [ -n "$failed" ]; then
	echo "== make test: FAILED:$failed"
	exit 1
fi
echo "== make test: passed"
