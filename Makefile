# SPDX-License-Identifier: Apache-2.0
# `make help` explains each target.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
.DEFAULT_GOAL := help
.PHONY: help run test test-servers races check lock bench clean

help: ## Explain each target
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/run.stamp ## Start the whole warehouse on this machine; Ctrl-C stops it, the data stays in .data
	@exec $(PY) -m wms.cli up

test: $(VENV)/dev.stamp ## Run all tests on an embedded PostgreSQL and Redis that they start themselves
	@scripts/install-debian-packages.sh chromium
	@$(PY) -m pytest -n 2

test-servers: $(VENV)/dev.stamp ## Run all tests on Debian's own PostgreSQL and Redis, on private sockets
	@scripts/install-debian-packages.sh chromium postgresql redis-server
	@scripts/test-servers.sh

races: $(VENV)/dev.stamp ## Let late changes race against the floor 2,000 times each; prints who won how often
	@WMS_RACE_ROUNDS=2000 $(PY) -m pytest tests/races -s

check: $(VENV)/dev.stamp ## Check style, types, layers, migrations and the lock files
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports
	@$(PY) scripts/check_migrations.py
	@$(PY) scripts/check_lock.py

lock: $(VENV)/dev.stamp ## Write the lock files anew from pyproject.toml, keeping versions that still fit
	@$(PY) scripts/check_lock.py --write

bench: $(VENV)/dev.stamp ## Measure intake, release, labels and scans beside their floors
	@for part in intake release labels scan audit; do $(PY) -m bench $$part || exit 1; done

clean: ## Remove the virtual environment, the caches and the data of `make run`
	rm -rf $(VENV) .data .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Made anew when a lock file changes; a run that broke off leaves no stamp and is repeated.
$(VENV)/run.stamp: requirements.lock pyproject.toml
	@scripts/make-venv.sh $(PYTHON) $(VENV) requirements.lock
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock pyproject.toml
	@scripts/make-venv.sh $(PYTHON) $(VENV) requirements-dev.lock
	@touch $@ $(VENV)/run.stamp
