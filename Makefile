# The door to the project: `make help` lists what it opens.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PKG ?= ./...# the packages that test, race, lint and bench look at
TESTFLAGS ?=# more for go test, such as -run=Burst
FUZZTIME ?= 10s# for each fuzz target
HISTORIES ?= 20000# that make simulate plays
SEED ?= 1# of the first of them
SENDERS ?= 10000000# of make limits

# Real shipment logs; the tests that read them skip without.
PARCELSENTRY_TEST_DATA ?= $(abspath $(wildcard ../shared/data))
export PARCELSENTRY_TEST_DATA

servers := deploy/servers/servers.sh

# Tests find the servers of `make servers`, unless the environment names others.
define find-servers
if [ -z "$${PARCELSENTRY_TEST_KAFKA-}$${PARCELSENTRY_TEST_REDIS-}$${PARCELSENTRY_TEST_REDIS_CLUSTER-}" ] && \
  $(servers) status >/dev/null; then eval "$$($(servers) env)"; fi; \
if [ -z "$${PARCELSENTRY_TEST_PROMETHEUS-}" ]; then \
  export PARCELSENTRY_TEST_PROMETHEUS="$$(command -v prometheus || true)"; fi
endef

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## bin/parcelsentry
	go build -trimpath -o bin/parcelsentry ./cmd/parcelsentry

bin/testsum: $(wildcard deploy/testsum/*.go)
	@go build -o $@ ./deploy/testsum

.PHONY: test
test: bin/testsum ## all tests; names those it had to skip
	@$(find-servers); go test -json -timeout=30m $(TESTFLAGS) $(PKG) | bin/testsum

.PHONY: test-servers
test-servers: bin/testsum ## all tests, none skipped: a missing server is a failure
	@$(find-servers); export PARCELSENTRY_REQUIRE_SERVERS=1; \
	go test -json -count=1 -timeout=30m $(TESTFLAGS) $(PKG) | bin/testsum -no-skip

.PHONY: race
race: ## the tests under the race detector (needs gcc)
	@$(find-servers); CGO_ENABLED=1 go test -race -short -timeout=30m $(TESTFLAGS) $(PKG)

.PHONY: lint
lint: ## gofumpt, go vet, staticcheck
	@unformatted=$$(go tool gofumpt -l .); \
	if [ -n "$$unformatted" ]; then echo "not formatted, run go tool gofumpt -w:"; echo "$$unformatted"; exit 1; fi
	go vet $(PKG)
	go vet -tags faults,profile $(PKG)
	go tool staticcheck $(PKG)

.PHONY: fuzz
fuzz: ## each fuzz target for FUZZTIME
	@{ grep -rEo --include='*_test.go' '^func Fuzz\w+' . || test $$? -eq 1; } | while IFS=: read -r file func; do \
	  echo "== $${file%/*} $${func#func }"; \
	  go test -run='^$$' -fuzz="^$${func#func }\$$" -fuzztime=$(FUZZTIME) "$${file%/*}" </dev/null; \
	done

.PHONY: simulate
simulate: ## HISTORIES random histories of workers, with faults at every step, from SEED on
	go test -v -count=1 -timeout=48h -run='^TestSimulation$$' ./cmd/internal/pipeline -histories=$(HISTORIES) -seed=$(SEED)

.PHONY: limits
limits: ## SENDERS distinct senders through a working set of 64 MiB (needs redis-server and some GiB)
	go test -v -count=1 -timeout=6h -run='^TestManySenders$$' ./cmd/internal/app -senders=$(SENDERS)

.PHONY: bench
bench: ## the benchmarks, with allocations
	go test -run='^$$' -bench=. -benchmem $(TESTFLAGS) $(PKG)

.PHONY: bench-e2e
bench-e2e: ## how fast the real service is, on servers of its own; BENCH="--workload W1 --runs 5 --latency"
	go run ./cmd/bench $(BENCH)

.PHONY: bench-curves
bench-curves: ## how pace and cost scale, into deploy/performance; CURVE=late, BENCH="--events 50000"
	go run ./cmd/bench --curve $(or $(CURVE),all) $(BENCH)

.PHONY: bench-compare
bench-compare: ## the benchmarks at BASE (the commit before) and now, by benchstat; PKG, BENCH=pattern, COUNT=6, GATE=20
	@$(find-servers); PKG="$(PKG)" BASE="$(BASE)" NEW="$(NEW)" BENCH="$(BENCH)" COUNT="$(COUNT)" GATE="$(GATE)" deploy/bench/compare.sh

.PHONY: bench-peers
bench-peers: ## other engines beside it, if ../shared/peers is there; see deploy/README.md
	deploy/bench/peers.sh

.PHONY: cost
cost: ## what an event costs in Redis, by the real shipment logs; replay speed
	@$(find-servers); go test -run='^$$' -bench='Cost|Replay' -benchtime=1x -timeout=30m ./cmd/internal/app

.PHONY: memory
memory: ## what senders take in Redis: bytes of 100,000 of them, by how often they send (needs redis-server)
	go test -v -count=1 -timeout=30m -run='^TestMemory$$' ./cmd/internal/app -memory=100000

.PHONY: eval
eval: ## what it detects, by the evaluation kit; WRITE=1 for detector/README.md
	@detector/eval/eval.sh $(if $(WRITE),--write)

.PHONY: servers
servers: ## start a real Kafka, Redis and Redis Cluster on loopback
	@$(servers) start

.PHONY: servers-stop
servers-stop: ## stop what `make servers` started
	@$(servers) stop

.PHONY: demo
demo: ## the whole system in one process, with made-up shipments
	go run ./cmd/demo

.PHONY: chaos
chaos: ## faults against the real service on servers of its own; CHAOS="--scenario kill --seeds 1"
	go run ./cmd/chaos --markdown $(CHAOS)

.PHONY: chaos-short
chaos-short: ## a part of it, in some minutes
	go run ./cmd/chaos --short --seeds 1 --markdown $(CHAOS)
