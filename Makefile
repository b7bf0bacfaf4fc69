# PgOwl. `make demo` shows it, `make test` tests it; both do their own set-up.

GO ?= go

.PHONY: all build setup setup-tests setup-openvino setup-versions setup-models setup-bench setup-references demo test test-versions test-models test-clients fuzz fuzz-models bench fidelity microbench clean

all: build

# Fetches what building, running and the demo need; seconds when it is all there.
setup: bin/setup
	@bin/setup

setup-tests: bin/setup
	@bin/setup -tests

# No C compiler is needed for this one: it may have to install it.
bin/setup: FORCE
	@CGO_ENABLED=0 $(GO) build -o bin/setup ./integration/setup

build:
	$(GO) build -o bin/pgowl .

demo: setup build
	@$(GO) build -o bin/demo ./integration/demo
	@bin/demo

test: setup-tests
	@sh integration/test.sh $(GO)

# What runs inside the server, on every major version of Postgres from 13 on; VERSIONS='13 18' picks some. Minutes.
test-versions: setup-versions
	@sh integration/versions.sh $(GO)

setup-versions: bin/setup
	@bin/setup -servers

# Models that make test does not have, against what sentence-transformers gives for them; fetches 170 MB. A minute.
test-models: setup-models
	@eval "$$(bin/setup -env)" && $(GO) test -count=1 -v -run 'Sentences' ./models/text

setup-models: bin/setup
	@bin/setup -models

# Every fuzz target for TIME each (10m), all at once; goes on where the last run stopped.
fuzz: setup-tests
	@TIME=$(TIME) sh integration/fuzz.sh $(GO)

# Random texts and random model files, for TIME together (10m), on one core.
fuzz-models: setup-tests
	@TIME=$(TIME) JOBS=1 FUZZ='models/text|exec/hub' sh integration/fuzz.sh $(GO)

# OpenVINO, for text models in bfloat16 on the processors.
setup-openvino: bin/setup
	@bin/setup -openvino

setup-bench: bin/setup
	@bin/setup -bench

setup-references: bin/setup
	@bin/setup -references

# The drivers' own suites as a whole; make test runs what it has time for. Minutes.
test-clients: setup-tests
	@eval "$$(bin/setup -env)" && CLIENT_SUITES=all $(GO) test -count=1 -v -timeout 60m -run 'Test(Comparing|LibPQ|Asyncpg|Pg8000|Django|Node|JDBC|Pooled|Mappers)' ./integration/clients

# Speed, seen from outside: direct, relay, PgBouncer and PgOwl side by side, each lane, trainings and embeddings beside other libraries', and with
# PGOWL_BENCH_TITLES the classifier. Three quarters of an hour.
bench: setup-bench build
	@$(GO) build -o bin/bench ./integration/bench
	@eval "$$(bin/setup -env -bench)" && bin/bench

# The training engines beside the libraries whose algorithms they are: predictions and metrics, as tables; fails if they differ. With
# PGOWL_BENCH_TITLES on headlines, too. Minutes.
fidelity: setup-references
	@$(GO) build -o bin/fidelity ./integration/fidelity
	@eval "$$(bin/setup -env -references)" && bin/fidelity

# Every benchmark of the packages, allocations included.
microbench: setup-tests
	@eval "$$(bin/setup -env)" && $(GO) test -run '^$$' -bench . -benchmem -timeout 60m ./...

clean:
	rm -rf bin

FORCE:
