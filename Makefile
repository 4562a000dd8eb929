# Everything runs in .venv, which is made when it is missing and brought up to date when
# setup.cfg or pyproject.toml changes. Only Python 3.11 with pip has to be there.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help install lint format types test test-slow clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

install: $(INSTALLED) ## make .venv and install the package with all it needs

$(INSTALLED): setup.cfg pyproject.toml
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "make: expected Python 3.11 or newer as PYTHON." \
	        "Received: '$(PYTHON)'; install it or call make PYTHON=/path/to/python3.11" >&2; \
	    exit 2; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv $(VENV)
	@echo 'make: installing into $(VENV); the first time takes some minutes'
	@$(BIN)/python -m pip install -qq --editable '.[dev,tf-models]'
	@touch $@

lint: $(INSTALLED) ## check the code with ruff
	$(BIN)/ruff check
	$(BIN)/ruff format --check

format: $(INSTALLED) ## let ruff mend what it can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

types: $(INSTALLED) ## check the types with mypy
	$(BIN)/mypy

test: lint types ## lint, types and the fast tests
	$(BIN)/pytest

test-slow: $(INSTALLED) ## the tests marked slow
	$(BIN)/pytest -m slow

clean: ## remove .venv, caches and build outputs; results in runs/ stay
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
