# `make demo` and `make test` are all a fresh machine needs: whatever they use they install, into
# .venv and the cargo target folder. Variables: PYTHON=/path/to/python3, COCO=instances.json,
# BENCH="json --quick", PYTEST=--smoke.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

MATURIN := maturin==1.16.0
CARGO_DENY := 0.20.2
CARGO_FUZZ := 0.13.2

# Another interpreter gets an environment of its own.
PYTHON ?=
VENV ?= .venv$(if $(PYTHON),-$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])'))
BIN := $(VENV)/bin

export CARGO_TARGET_DIR ?= $(CURDIR)/target
TOOLS := $(CARGO_TARGET_DIR)/tools
# Only the binding needs an interpreter; `make test` reaches it through the wheel.
RUST := --workspace --exclude cannery-python
# Not in the workspace, for what they need besides: a fuzzer, the peers.
RUST_BESIDE := fuzz/Cargo.toml bench/rust/Cargo.toml

# How the wheel is built: `quick` for the tests, `release` for what is measured or given away.
PROFILE := quick
demo bench wheel: PROFILE := release
# What a wheel may take, in bytes.
MOST_BYTES := 12000000
# Of the binding: `toy` is the tests' own format.
FEATURES ?=

.PHONY: help
help:
	@echo 'make demo     a machine-learning pipeline on real input [COCO=instances.json]'
	@echo 'make test     every test, Rust and Python [PYTHON=/path/to/python3]'
	@echo 'make soak     the binding under stress, for an hour [SOAK="--children 40 --seed 7"]'
	@echo 'make fuzz     every fuzz target, for three minutes [FUZZ="json yaml" FUZZ_SECONDS=60]'
	@echo 'make address-sanitizer    the extension and its kernels with AddressSanitizer'
	@echo 'make check    format, lints, types, stubs, arrows, licences'
	@echo 'make bench    side-by-side tables against the peers [BENCH="json --quick"]'
	@echo 'make setup    .venv with the tools and the wheel    make wheel    a release wheel in dist/'
	@echo 'make clean    removes what the others made'

# --- the environment and the wheel

$(VENV)/.tools: pyproject.toml scripts/venv scripts/requirements
	scripts/venv $(VENV) $(PYTHON)
	$(BIN)/python -m pip install --quiet --upgrade pip $(MATURIN)
	$(BIN)/python scripts/requirements dev | $(BIN)/python -m pip install --quiet -r /dev/stdin
	touch $@

$(VENV)/.demo: $(VENV)/.tools
	$(BIN)/python scripts/requirements demo | $(BIN)/python -m pip install --quiet -r /dev/stdin
	touch $@

$(VENV)/.test: $(VENV)/.tools
	$(BIN)/python scripts/requirements test | $(BIN)/python -m pip install --quiet -r /dev/stdin
	touch $@

# Peers come one by one: the tables name a missing one, and the others still run.
$(VENV)/.bench: $(VENV)/.tools bench/requirements.txt
	grep -v '^#' bench/requirements.txt | while read -r peer; do \
	    $(BIN)/python -m pip install --quiet "$$peer" || echo "!! $$peer cannot be installed here"; \
	done
	touch $@

.PHONY: setup
setup: $(VENV)/.tools
	rm -rf $(VENV)/wheels
	$(BIN)/maturin build --quiet --locked --profile $(PROFILE) $(if $(FEATURES),--features $(FEATURES)) --interpreter $(BIN)/python --out $(VENV)/wheels
	$(BIN)/python -m pip install --quiet --no-deps --force-reinstall $(VENV)/wheels/*.whl

.PHONY: wheel
wheel: setup
	mkdir -p dist && cp $(VENV)/wheels/*.whl dist/ && ls -l dist
	@for wheel in $(VENV)/wheels/*.whl; do \
	    bytes=$$(stat -c %s "$$wheel"); \
	    if [ "$$bytes" -ge $(MOST_BYTES) ]; then \
	        echo "!! the wheel has $$bytes bytes, at least $(MOST_BYTES): make something small again"; exit 1; \
	    fi; \
	done

# --- the two commands, and the tables

.PHONY: demo
demo: setup $(VENV)/.demo
	$(BIN)/python examples/detection/demo.py $(if $(COCO),--coco "$(COCO)")

.PHONY: test test-rust test-python
test: test-rust test-python

test-rust:
	if cargo nextest --version >/dev/null 2>&1; \
	then cargo nextest run --no-fail-fast --locked $(RUST); \
	else cargo test --no-fail-fast --locked $(RUST) --lib --bins --tests; fi
	cargo test --locked --quiet $(RUST) --doc

test-python: setup $(VENV)/.test
	$(BIN)/python -m pytest -n auto --dist worksteal $(PYTEST)

# What Python code can do to the binding while it works (python/tests/stress), and what documents with
# hostile parts do (python/tests/hostile_documents.py), at length; a million random edits of YAML
# (python/tests/yaml_edits.py); 1,000 processes that die at every named place of a run
# (crates/pipelines/pipeline/tests/faults); 200 maps that are killed; 80,000 pickles that CPython's
# machine reads, too (python/tests/recording_machine.py); every call 100,000 times; every format while
# memory runs out (python/tests/stress/memory.py); every fuzz target for three minutes; and all of this
# once with AddressSanitizer.
SOAK ?= --children 20 --rounds 500
SOAK_SEEDS ?= 100 101 102 103 104 105 106 107
.PHONY: soak
soak: setup $(VENV)/.test
	cd python/tests && $(abspath $(BIN))/python -m stress $(SOAK)
	for seed in $(SOAK_SEEDS); do $(BIN)/python python/tests/hostile_documents.py $$seed 10000; done
	for seed in $(SOAK_SEEDS); do $(BIN)/python python/tests/yaml_edits.py $$seed 125000; done
	for seed in $(SOAK_SEEDS); do CANNERY_FAULT_CYCLES=125 CANNERY_FAULT_SEED=$$seed \
	    cargo test --quiet --locked -p cannery-pipeline --test faults; done
	folder=$$(mktemp -d) && cd python/tests && $(abspath $(BIN))/python kill_harness.py $$folder 200 1
	folder=$$(mktemp -d) && cd python/tests && $(abspath $(BIN))/python hdf5_kills.py $$folder 200 1
	cd python/tests && $(abspath $(BIN))/python h5py_suite.py
	for seed in $(SOAK_SEEDS); do $(BIN)/python python/tests/recording_machine.py $$seed 10000; done
	CANNERY_GROWTH_CALLS=100000 $(BIN)/python -m pytest -q python/tests/test_growth.py
	cd python/tests && $(abspath $(BIN))/python -m stress.memory
	$(MAKE) fuzz
	$(MAKE) address-sanitizer

# Targets that assert, one after the other; the corpus is kept from run to run.
FUZZ ?= $(basename $(notdir $(wildcard fuzz/fuzz_targets/*.rs)))
FUZZ_SECONDS ?= 180
FUZZ_SANITIZER ?= none
.PHONY: fuzz
fuzz: $(TOOLS)/bin/cargo-fuzz
	PATH="$(TOOLS)/bin:$$PATH" scripts/fuzz $(FUZZ_SECONDS) $(FUZZ_SANITIZER) $(FUZZ)

$(TOOLS)/bin/cargo-fuzz:
	CARGO_PROFILE_DEV_DEBUG=0 cargo install --quiet --locked --debug --root $(TOOLS) \
	    --target-dir $(TOOLS)/build cargo-fuzz@$(CARGO_FUZZ)
	rm -rf $(TOOLS)/build

# The extension and its kernels with AddressSanitizer, which ends a process at the first read or write
# outside of what was allocated.
ADDRESS_TESTS := $(addprefix test_,$(addsuffix .py,crashes trust json json_writing pickle \
    pickle_writing msgpack msgpack_direct yaml npy typed cbor stress streams jsonl lying_objects \
    protobuf hdf5 torch safetensors))
.PHONY: address-sanitizer address-sanitizer-kernels
address-sanitizer: setup $(VENV)/.test address-sanitizer-kernels
	scripts/address-sanitizer $(abspath $(BIN))/python $(ADDRESS_TESTS)

# The kernels alone, in a minute or two: with every change.
address-sanitizer-kernels:
	scripts/address-sanitizer rust

.PHONY: bench bench-rust
bench: setup $(VENV)/.bench
	$(BIN)/python -m bench $(BENCH)

bench-rust:
	cargo run --release --locked --manifest-path bench/rust/Cargo.toml -- $(BENCH)

# --- the checks

.PHONY: check check-rust check-free-threaded check-house check-licences check-style check-types
check: check-style check-types check-rust check-free-threaded check-house check-licences

check-rust: $(VENV)/.tools
	cargo fmt --all --check
	PYO3_PYTHON=$(abspath $(BIN)/python) cargo clippy --locked --workspace --all-targets -- -D warnings
	for manifest in $(RUST_BESIDE); do \
	    cargo fmt --check --manifest-path $$manifest; \
	    cargo clippy --locked --manifest-path $$manifest -- -D warnings; done

# An interpreter without the lock has other types and lacks layouts that we know. None is needed to
# see whether the binding compiles for it; PyO3 takes them from 3.14 on.
FREE_THREADED := $(CARGO_TARGET_DIR)/free-threaded
check-free-threaded:
	mkdir -p $(FREE_THREADED)
	printf '%s\n' implementation=CPython version=3.14 shared=true build_flags=Py_GIL_DISABLED \
	    suppress_build_script_link_lines=true > $(FREE_THREADED)/interpreter.txt
	PYO3_CONFIG_FILE=$(abspath $(FREE_THREADED))/interpreter.txt CARGO_TARGET_DIR=$(FREE_THREADED) \
	    RUSTFLAGS="-D warnings" cargo check --quiet --locked -p cannery-python

check-house:
	cargo xtask house

# Licences, sources and doubles of every dependency; the advisories need a database from outside.
check-licences: $(TOOLS)/bin/cargo-deny
	$< --log-level error check licenses bans sources

$(TOOLS)/bin/cargo-deny:
	CARGO_PROFILE_DEV_DEBUG=0 cargo install --quiet --locked --debug --root $(TOOLS) \
	    --target-dir $(TOOLS)/build cargo-deny@$(CARGO_DENY)
	rm -rf $(TOOLS)/build

PYTHON_CODE := python bench examples scripts/requirements
check-style: $(VENV)/.tools
	$(BIN)/ruff check $(PYTHON_CODE)
	$(BIN)/ruff format --check $(PYTHON_CODE)

# The types of what the adapters import are checked too.
check-types: setup $(VENV)/.test
	$(BIN)/pyright --pythonpath $(BIN)/python
	cd $(VENV) && bin/python -m mypy.stubtest cannery._native

.PHONY: clean
clean:
	rm -rf .venv .venv-* dist $(CURDIR)/target
