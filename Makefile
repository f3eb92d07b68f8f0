# Two commands: `make run` sets everything up and starts Gakju; `make test` sets everything up and runs every check.
# Both can be interrupted and run again: a step that is done leaves a stamp and is not done twice.

PYTHON := $(shell for p in $(PYTHON) python3.13 python3.12 python3.11 python3 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
export PYTHONUTF8 := 1

.PHONY: help run test setup models check clean

help: ## What can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

run: models ## Set up, then start Gakju with a sample library on http://127.0.0.1:8080
	@$(BIN)/gakju up --samples

setup: .venv/.ready ## Make .venv and install pinned dependencies

models: .venv/.ready ## Fetch the embedded models, checked by digest
	@$(BIN)/gakju models pull

test: .venv/.dev models ## Set up, then run every check CI runs
	@$(MAKE) --no-print-directory check

check: ## Every check, without the set-up
	@echo "== ruff"; $(BIN)/ruff check . && $(BIN)/ruff format --check --quiet .
	@echo "== mypy"; $(BIN)/mypy
	@echo "== import-linter"; $(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports
	@echo "== pytest"; $(BIN)/pytest --numprocesses logical --maxprocesses 4 --dist loadfile

.venv/.made:
	@test -n "$(PYTHON)" || { echo "Gakju needs Python 3.11 or newer. Install it, or name it: make run PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "Making a virtual environment in .venv with $(PYTHON) …"
	@rm -rf .venv; $(PYTHON) -m venv .venv || { echo "The venv module is missing; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@touch $@

.venv/.ready: pyproject.toml constraints.txt | .venv/.made
	@echo "Installing Gakju and its pinned dependencies (about 1 GB to download, once) …"
	@$(PIP) install --upgrade --constraint constraints.txt pip
	@$(PIP) install --constraint constraints.txt --editable '.[mcp]'
	@touch $@

.venv/.dev: .venv/.ready
	@echo "Installing what the checks need …"
	@$(PIP) install --constraint constraints.txt --editable '.[dev,mcp]'
	@touch $@

clean: ## Remove .venv and caches; your data folder stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
