# Everything runs in a virtual environment inside the checkout, at the versions of constraints.txt.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Half the work is HiGHS and numpy on one thread each, so a test process per core pays.
JOBS ?= auto
SIZES ?= S,M
SEEDS ?= 1

.PHONY: help demo test test-fast check format lint types contracts bench wheel clean

help:  ## Show what there is to make.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 14

demo: $(VENV)/.installed  ## Set up and plan the quickstart scenario.
	$(BIN)/fleetopt plan scenarios/quickstart

test: $(VENV)/.installed-dev  ## Set up and run all tests.
	$(BIN)/python -m pytest -n $(JOBS)

test-fast: $(VENV)/.installed-dev  ## Run the tests that take no more than a moment.
	$(BIN)/python -m pytest -n $(JOBS) -m "not slow"

check: $(VENV)/.installed-dev lint types contracts test  ## Format, lint, types, import contracts and tests.

format: $(VENV)/.installed-dev  ## Format the code.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.installed-dev
	$(BIN)/mypy

contracts: $(VENV)/.installed-dev
	$(BIN)/lint-imports

bench: $(VENV)/.installed-dev  ## Say where the time goes, and how large fleets compare with other solvers (SIZES, SEEDS).
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[bench]'
	$(BIN)/python tests/bench/stages.py
	$(BIN)/python -m tests.bench.fleets --sizes $(SIZES) --seeds $(SEEDS)

wheel: $(VENV)/.installed-dev  ## Build the wheel into dist/.
	$(BIN)/python -m pip wheel -q --no-deps -w dist .

clean:  ## Remove what was made.
	rm -rf $(VENV) dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "fleetopt needs Python 3.11 or newer; this is $$($(PYTHON) --version). Try: make PYTHON=python3.12 demo"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-dev: $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@ $(VENV)/.installed
