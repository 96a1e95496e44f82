# Two commands do all the set-up: `make demo` and `make test`. See README.md.
SHELL := /bin/bash
TOOL := go tool -modfile=tools/go.mod
GO_FILES = $(shell git ls-files '*.go')
MODELS_FROM ?=
AGENT ?=

.PHONY: build demo test lint setup models bench fuzz clean

build: ## bin/parley, without cgo
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o bin/parley ./cmd/parley

demo: build models ## a newcomer's first call: create an agent, call it, judge what was heard, erase it
	CGO_ENABLED=0 go build -trimpath -o bin/demo ./demo
	bin/demo $(if $(AGENT),--agent $(AGENT))

models: build ## fetch the speech models, or take them from MODELS_FROM=DIR
	@scripts/setup pip
	bin/parley models fetch $(if $(MODELS_FROM),--from $(MODELS_FROM))

setup: ## what the tests need beside Go; installs as root, else says what is missing
	@scripts/setup test

test: setup build models ## every test, with the race detector; the worker again as it is shipped
	scripts/test

lint: ## format, vet, style, dead code
	scripts/lint

bench: ## the per-frame path
	go test -run '^$$' -bench . -benchmem ./internal/sipdoor/stream ./internal/convo ./internal/media/bridge ./internal/audio ./internal/rtpmedia

fuzz: ## SIP, SDP, RTP, RTCP, STUN and key presses of strangers, 20 minutes each; FUZZTIME changes that
	scripts/fuzz

clean:
	rm -rf bin
