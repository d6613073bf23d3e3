# Two commands on a fresh machine: `make demo` and `make test`. Both set up by themselves (Python 3.11+ with venv).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready

.PHONY: setup demo test lint contracts faults fuzz-api big-upload fuzz bench wheelhouse clean
.DEFAULT_GOAL := help

help:
	@echo "make demo      the main job, end to end, on an embedded chain; ends by serving (SERVE=0: ends)"
	@echo "make test      the test suite"
	@echo "make lint      ruff and mypy"
	@echo "make contracts compile the contracts again and compare (needs Node.js)"
	@echo "make wheelhouse  all wheels for an intranet without registries, into build/wheelhouse"
	@echo "make faults    kill the ledger at every named place and at random, and prove it whole"
	@echo "make fuzz-api  10,000 generated requests against the interface"
	@echo "make fuzz      every parser under atheris, SECONDS=60 each (Linux on x86-64)"
	@echo "make big-upload  a table of a million rows through HTTP, and what it takes"
	@echo "make bench     ratios against yardsticks, into build/bench.json"

setup: $(STAMP)

# requirements.lock pins every package with its hashes; the project itself goes in without resolving anything
$(STAMP): pyproject.toml requirements.lock api/web/package-lock.json
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/python scripts/fetch_web.py --optional
	@touch $@

demo: setup
	$(BIN)/python scripts/demo.py $(if $(filter 0,$(SERVE)),--no-serve)

test: setup
	$(BIN)/python -m pytest -n auto --dist worksteal

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

contracts: setup
	$(BIN)/python scripts/compile_contracts.py --check

# kills and failures, 20 of each place, and every column edited on both databases: about an hour
faults: setup
	$(BIN)/python scripts/faults.py
	ZHENGYIN_EVERY_COLUMN=1 $(BIN)/python -m pytest tests/ledger/services/test_services_auditing_rows.py

fuzz-api: setup
	ZHENGYIN_FUZZ_CASES=10000 ZHENGYIN_FUZZ_SEED=$$(date +%s) $(BIN)/python -m pytest -s tests/api/test_api_fuzz.py

# every parser by coverage, half an hour; its package is not in the lock: there are wheels for Linux on x86-64 alone
fuzz: setup
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable '.[fuzz]'
	$(BIN)/python scripts/fuzz.py --seconds $(or $(SECONDS),60)

# a table of a million rows through HTTP, about ten minutes
big-upload: setup
	ZHENGYIN_UPLOAD_ROWS=1000000 $(BIN)/python -m pytest -s tests/api/test_api_big_upload.py

bench: setup
	$(BIN)/python scripts/bench.py

# Every wheel of the service for a machine without a package registry: copy build/wheelhouse there, then
# `python3 -m venv zhengyin && zhengyin/bin/pip install --no-index --find-links wheelhouse zhengyin`.
wheelhouse: setup
	rm -rf build/wheelhouse
	$(BIN)/python -m pip wheel --quiet --require-hashes --requirement requirements-service.lock --wheel-dir build/wheelhouse
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir build/wheelhouse .

clean:
	rm -rf $(VENV) build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
