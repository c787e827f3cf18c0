# make test is what CI runs. It needs Go, and a C compiler for the race detector.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

GO ?= go
# Pinned: what passes today passes tomorrow. It is no dependency of the module.
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
PKG ?= ./...
FUZZTIME ?= 5s
BENCHTIME ?= 1s
PLAN ?= smoke
SCALE_LIVE ?= 1000000

.PHONY: help test format vet lint race whole fuzz bench scale boards load demo dispute build clean

help: ## show this
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | column -t -s '|' 2>/dev/null \
		|| sed -nE 's/^([a-z]+):.*## (.*)/  make \1: \2/p' $(firstword $(MAKEFILE_LIST))

test: format vet lint race whole ## what CI runs: format, vet, lint, all tests with the race detector, whole load tests without
	@echo "make test: all passed"

format: ## fail if a file is not as gofmt writes it
	@files=$$(gofmt -l $$(.ci/sources)); \
	if [[ -n $$files ]]; then printf 'not as gofmt writes it (gofmt -w mends it):\n%s\n' "$$files" >&2; exit 1; fi

vet:
	$(GO) vet -buildvcs=false ./...

lint: ## staticcheck
	$(GO) run $(STATICCHECK) ./...

# Import rules, fuzz seeds and the demo, end to end, are tests among the others.
race: ## all tests; PKG=./actors/... for some
	@race=$$(.ci/race); set -x; \
	$(GO) test -buildvcs=false $$race -timeout 10m $(PKG)

# With the race detector these would measure the race detector.
whole: ## whole runs of the load tester: every defect found, its latencies true, kills
	$(GO) test -buildvcs=false -p 1 -timeout 10m ./loadtest ./cmd/loadtest

fuzz: ## fuzz each target for FUZZTIME (5s)
	@.ci/fuzz $(FUZZTIME) $(PKG)

bench: ## all benchmarks, BENCHTIME (1s) each
	$(GO) test -buildvcs=false -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) -timeout 60m $(PKG)

# Minutes of load on loopback, which end by themselves. SCALE_LIVE=1000000.
scale: ## a million bookings: memory, restart, 50,000 checkouts; what an assignment costs; refusals and evenness
	MASKSWITCH_SCALE=1 MASKSWITCH_SCALE_LIVE='$(SCALE_LIVE)' $(GO) test -buildvcs=false -run 'TestScale|TestEconomy' -v -timeout 60m ./cmd/internal/app ./actors/pool
	$(GO) test -buildvcs=false -run '^$$' -bench 'Assign' -benchmem -timeout 30m ./actors/pool

# Two minutes of load on loopback, with a real Prometheus.
boards: ## ask every query of every board of a switch under load, and draw the previews; needs prometheus
	MASKSWITCH_BOARDS=1 $(GO) test -buildvcs=false -count 1 -run TestBoardsShowALivingSwitch -v -timeout 10m ./metrics/dashboards

load: ## the load tester against this checkout's switch; PLAN=smoke
	$(GO) run -buildvcs=false ./cmd/loadtest run $(PLAN) -switch '$(GO) run -buildvcs=false ./cmd/maskswitch'

demo: ## eight calls on the fake carrier: no account, nothing left behind
	$(GO) run -buildvcs=false ./cmd/maskswitch -demo -calls 8

dispute: ## what a support agent hands over of BOOKING, from the running switch, in dispute-BOOKING.zip
	$(GO) run -buildvcs=false ./cmd/maskswitch dispute '$(BOOKING)' -o 'dispute-$(BOOKING).zip'

build: ## the programs, in bin/
	$(GO) build -trimpath -buildvcs=auto -o bin/ ./cmd/...

clean: ## remove bin/
	rm -rf bin
