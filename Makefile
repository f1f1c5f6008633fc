# Everything a fresh machine needs is installed by these targets; `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
LOCK := --quiet --generate-hashes --universal --no-header --no-emit-find-links --python-version 3.11

.DEFAULT_GOAL := help
.PHONY: help run demo test lint format bench bench-store bench-http bench-treatment bench-sealing torture lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

$(READY): pyproject.toml requirements-dev.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

run: $(READY) ## serve on http://127.0.0.1:8000, with its own PostgreSQL and NATS in .registre/
	$(BIN)/registre serve

demo: $(READY) ## play a whole consultation against the real service, from an empty folder
	$(BIN)/registre demo

lint: $(READY) ## check style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint ## lint, then every test; starts the servers it needs
	$(BIN)/pytest --numprocesses 2 --dist loadfile

format: $(READY) ## rewrite the code in the house format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: bench-store bench-http bench-treatment bench-sealing ## every benchmark; each prints one JSON line last

bench-treatment: $(READY) ## measures of 100,000 contributions, 50 reviewers at once, planted departures; some 8 minutes
	$(BIN)/python -m tests.bench.treatment

bench-http: $(READY) ## deposits and lists over HTTP against an empty route
	@command -v wrk >/dev/null || apt-get install --yes wrk || { echo "bench-http needs wrk: install it"; exit 1; }
	$(BIN)/python -m tests.bench.http

bench-sealing: $(READY) ## deposits sealed and unsealed, texts opened from the keyring; some 2 minutes
	@command -v wrk >/dev/null || apt-get install --yes wrk || { echo "bench-sealing needs wrk: install it"; exit 1; }
	$(BIN)/python -m tests.bench.sealing

bench-store: $(READY) ## the event store beside its peers, some 8 minutes; prints one JSON line last
	$(BIN)/python -m tests.bench.store

torture: $(READY) ## the long runs that make test leaves out
	$(BIN)/pytest -m torture --override-ini addopts=--import-mode=importlib --timeout 1800

lock: $(READY) ## renew the lock files from pyproject.toml
	$(BIN)/uv pip compile $(LOCK) pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile $(LOCK) --group dev --group bench pyproject.toml -o requirements-dev.txt

clean: ## remove the virtual environment and the caches, never the data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
