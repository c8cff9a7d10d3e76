# atshub: everything a newcomer types. `make run` and `make test` need nothing
# but Go and make; `make test` installs the servers it tests against.

export CGO_ENABLED ?= 0
CONNECTORS := smartrecruiters-apikey smartrecruiters-oauth
ARGS ?=

.PHONY: help build run test bench verify generate clean

help: ## Show this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

build: ## Build the hub and its connectors into bin/, with the connectors' checksums
	@mkdir -p bin
	go build -trimpath -o bin/atshub ./cmd/atshub
	$(foreach c,$(CONNECTORS),go build -trimpath -o bin/$(c) ./plugins/$(c) &&) true
	@bin/atshub connector register $(addprefix bin/,$(CONNECTORS))

run: build ## Play both customer guides against simulators; ARGS=--once ends with a verdict
	@bin/atshub demo $(ARGS)

test: ## Run every test with the race detector; installs Redis and Postgres if missing
	@./internal/testenv/install.sh
	CGO_ENABLED=1 go vet ./...
	CGO_ENABLED=1 go test -race -timeout 15m $(TESTARGS) ./...

bench: build ## Print ratios measured in one run
	go build -trimpath -o bin/bench-echo ./internal/bench/echo
	@bin/atshub bench $(ARGS)

generate: ## Make generated code anew (needs protoc)
	go generate ./...

verify: ## Check formatting, vet, and that generated code is up to date
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	go vet ./...

clean: ## Remove what was built and the demo's data
	rm -rf bin data
