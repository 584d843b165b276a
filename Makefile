# `make demo` and `make test` set up whatever they need: uv (from PyPI where absent), two locked Python
# environments and, on first use, the Pulumi CLI.
SHELL := /bin/sh
PYTHON ?= python3
export UV := $(or $(shell command -v uv 2>/dev/null),$(CURDIR)/.local/uv/bin/uv)
RUN := .venv/bin/python

# A new environment is compiled once, where Python itself may be told to write no bytecode: else every command
# compiles Pulumi, Prefect and dbt anew, which doubles their start.
how = test -x $(1) && echo --quiet || echo --compile-bytecode

.PHONY: help setup demo test check format up down status bench-blocks faults bench-flow flow-faults
.DEFAULT_GOAL := help

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install everything, once
	@"$(UV)" --version >/dev/null 2>&1 || { \
	  $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "error: $(PYTHON) is older than 3.11: run \`make PYTHON=python3.11 ...\` or install uv"; exit 1; }; \
	  echo "installing uv into .local/uv"; \
	  $(PYTHON) -m venv .local/uv && .local/uv/bin/python -m pip install --quiet "uv>=0.9"; }
	@"$(UV)" sync --locked $$($(call how,$(RUN)))
	@"$(UV)" sync --locked --project local/emulator $$($(call how,local/emulator/.venv/bin/python))

demo: setup ## the whole job on this machine: platform, pulumi up, raw data, flow
	@$(RUN) -m local demo

# Pulumi's provider SDK and Google's client each bring a google.rpc.Status; one process can't hold both.
# The files that take longest come first, so that no worker ends alone with one of them.
WITH_GOOGLE_CLIENT := tests/end_to_end demo/tests tests/flows tests/local/google
# More workers than cores: tests of real engines and servers wait half of their time.
PYTEST := $(RUN) -m pytest --dist loadfile --no-loadscope-reorder

test: setup ## run every test
	@$(PYTEST) -n 4 $(addprefix --ignore=,$(WITH_GOOGLE_CLIENT))
	@$(PYTEST) -n 3 $(WITH_GOOGLE_CLIENT)

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

faults: setup ## blocks: 200 seeded mixtures of faults, 20 times kill -9 of up and of destroy
	@$(RUN) -m benchmarks.provider_faults

bench-flow: setup ## flow: bare dbt, DbtCoreOperation, PrefectDbtRunner and ours, side by side
	@$(RUN) -m benchmarks.flow

flow-faults: setup ## flow: 100 seeded mixtures of faults before BigQuery and Prefect, 20 times kill -9 and --resume
	@$(RUN) -m benchmarks.flow_faults
