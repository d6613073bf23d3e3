# Two commands on a fresh machine: `make demo` and `make test`. Both set up by themselves (Python 3.11+ with venv).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready

.PHONY: setup demo test lint contracts bench clean
.DEFAULT_GOAL := help

help:
	@echo "make demo      the main job, end to end, on an embedded chain"
	@echo "make test      the test suite"
	@echo "make lint      ruff and mypy"
	@echo "make contracts compile the contracts again and compare (needs Node.js)"
	@echo "make bench     ratios against yardsticks, into build/bench.json"

setup: $(STAMP)

# requirements.lock pins every package with its hashes; the project itself goes in without resolving anything
$(STAMP): pyproject.toml requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup
	$(BIN)/python scripts/demo.py

test: setup
	$(BIN)/python -m pytest -n auto --dist worksteal

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

contracts: setup
	$(BIN)/python scripts/compile_contracts.py --check

bench: setup
	$(BIN)/python scripts/bench.py

clean:
	rm -rf $(VENV) build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
