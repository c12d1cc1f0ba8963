# Throughline. `make` alone lists the targets.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

POLICY ?= standard
WORKERS ?= 1

# The first Python from 3.11 on that can make virtual environments. Set PYTHON to choose another one.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python3.14; do \
	"$$python" -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo "$$python" && break; done)

VENV := .venv
BIN := $(VENV)/bin
PACKAGES := domain adapters activities workflows gateway workers
CODE := $(PACKAGES) tests benchmarks
# Three processes of tests, each with servers of its own: many tests wait more than they compute. A file's tests stay together,
# since they share what they set up; files go out in the order in which they stand, the longest first.
AT_ONCE ?= -n 3 --dist loadfile --no-loadscope-reorder
# Nothing of ours may ask questions or take the packages of the folder it is started in.
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input -q

.PHONY: help install install-dev bench up down demo test check reset doctor lock clean

help: ## List the targets
	@echo "Throughline: durable orders across channels."
	@echo
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'
	@echo
	@echo "  make up POLICY=short WORKERS=2   plays days in seconds, with two workers"

install: $(VENV)/.installed ## Make .venv with everything that runs Throughline

install-dev: $(VENV)/.installed-dev ## Add what tests and checks need

up: install ## Start everything on this machine until Ctrl-C
	@exec $(BIN)/throughline up --policy $(POLICY) --workers $(WORKERS)

down: install ## Stop what `make up` started
	@exec $(BIN)/throughline down

demo: install ## Play sample orders on a stack of their own; leaves nothing behind
	@exec $(BIN)/throughline demo

test: install-dev ## Run the whole test suite
	$(BIN)/python -m pytest $(AT_ONCE) $(PYTEST)

check: install-dev ## Check format, style, types and layers, and run the fast tests
	$(BIN)/ruff format --check $(wildcard $(CODE))
	$(BIN)/ruff check $(wildcard $(CODE))
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest $(AT_ONCE) -q -m "not slow and not stack" $(PYTEST)

bench: $(VENV)/.installed-bench ## Measure beside peers; ONLY=hot_sku for one bench, BENCH=--quick for a smoke test
	$(BIN)/python -m benchmarks $(ONLY) $(BENCH)

reset: install ## Delete the data of the stack in this folder
	@exec $(BIN)/throughline reset

doctor: install ## Check what the stack needs on this machine
	@exec $(BIN)/throughline doctor

lock: install ## Lock the newest dependencies that resolve together
	$(BIN)/python -m venv $(VENV)/uv
	$(VENV)/uv/bin/python -m pip --disable-pip-version-check -q install uv
	$(VENV)/uv/bin/uv pip compile pyproject.toml --extra embedded --extra object-store --extra build $(LOCK) -o requirements.txt
	$(VENV)/uv/bin/uv pip compile pyproject.toml --extra embedded --extra object-store --extra build --extra test $(LOCK) -c requirements.txt -o requirements-dev.txt
	$(VENV)/uv/bin/uv pip compile pyproject.toml --extra embedded --extra object-store --extra build --extra bench $(LOCK) -c requirements.txt -o requirements-bench.txt

LOCK := --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --quiet

clean: ## Remove .venv and all caches; data stays (see reset)
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find $(wildcard $(CODE)) -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "No Python from 3.11 on was found that can make virtual environments. Install one (on Debian: python3 and python3-venv), or set PYTHON=/path/to/python."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing into $(VENV) …"
	@$(PIP) install --require-hashes -r requirements.txt
	@$(PIP) install --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@echo "Installing what tests need into $(VENV) …"
	@$(PIP) install --require-hashes -r requirements-dev.txt
	@touch $@

$(VENV)/.installed-bench: requirements-bench.txt $(VENV)/.installed
	@echo "Installing what benches compare with into $(VENV) …"
	@$(PIP) install --require-hashes -r requirements-bench.txt
	@touch $@
