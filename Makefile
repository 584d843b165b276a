# `make demo` and `make test` set up whatever they need: uv (from PyPI where absent), two locked Python
# environments and, on first use, the Pulumi CLI.
SHELL := /bin/sh
PYTHON ?= python3
export UV := $(or $(shell command -v uv 2>/dev/null),$(CURDIR)/.local/uv/bin/uv)
RUN := .venv/bin/python

# A new environment is compiled once, where Python itself may be told to write no bytecode: else every command
# compiles Pulumi, Prefect and dbt anew, which doubles their start.
how = test -x $(1) && echo --quiet || echo --compile-bytecode

.PHONY: help setup demo test test-quick check format up down status bench-blocks faults bench-flow flow-faults
.DEFAULT_GOAL := help

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install everything, once
	@test -x $(RUN) || echo "once: Python's packages, downloaded and compiled, take one to three minutes"
	@"$(UV)" --version >/dev/null 2>&1 || { \
	  $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "error: $(PYTHON) is older than 3.11: run \`make PYTHON=python3.11 ...\` or install uv"; exit 1; }; \
	  echo "installing uv into .local/uv"; \
	  $(PYTHON) -m venv .local/uv && .local/uv/bin/python -m pip install --quiet "uv>=0.9"; }
	@"$(UV)" sync --locked $$($(call how,$(RUN)))
	@"$(UV)" sync --locked --project local/emulator $$($(call how,local/emulator/.venv/bin/python))

demo: setup ## the whole job on this machine: platform, pulumi up, raw data, flow
	@$(RUN) -m local demo

test: setup ## run every test: some 15 to 20 minutes on two cores
	@$(RUN) -m tests

test-quick: setup ## run the tests that need no server and no engine: a minute or two
	@$(RUN) -m tests -m "not real"

check: setup ## formatting, lint and types
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@$(RUN) -m mypy

format: setup ## format and mend what lint can mend
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

up: setup ## start the local platform
	@$(RUN) -m local up

down: ## stop the local platform
	@test ! -x $(RUN) || $(RUN) -m local down

status: setup ## what of the local platform runs
	@$(RUN) -m local status

bench-blocks: setup ## blocks: this provider, its nearest peer and plain HTTP, side by side (PEERS=dir)
	@$(RUN) -m benchmarks.blocks $(if $(PEERS),--peers "$(PEERS)")

faults: setup ## provider: 200 seeded mixtures of faults, 20 times kill -9 of up and of destroy
	@$(RUN) -m benchmarks.provider_faults

bench-flow: setup ## flow: bare dbt, DbtCoreOperation, PrefectDbtRunner and ours, side by side
	@$(RUN) -m benchmarks.flow

flow-faults: setup ## flow: 100 seeded mixtures of faults before BigQuery and Prefect, 20 times kill -9 and --resume
	@$(RUN) -m benchmarks.flow_faults
