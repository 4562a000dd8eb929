# Everything runs in .venv, which is made when it is missing and brought up to date when
# setup.cfg or pyproject.toml changes. Only Python 3.11 with pip has to be there.
# 'make test-jax' has an environment of its own, .venv-jax, without TensorFlow.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
CORE := $(VENV)/.installed-core
ALL := .[dev,serving,tf-models]
DOCS := $(VENV)/.installed-docs
JAX_VENV := .venv-jax
JAX_INSTALLED := $(JAX_VENV)/.installed

# What runs where TensorFlow is not installed: all tests of these, and of the others
# those that are marked both_backends.
WITHOUT_TENSORFLOW := $(addprefix tests/,analysis data demonstration/corpus downloading \
    files metrics plotting remote statistics store sweeping tasks tokenizing \
    cli/test_remote_paths.py cli/test_results.py cli/test_sweep.py reporting \
    cli/test_report.py serving test_zones.py)
BOTH_BACKENDS := $(addprefix tests/,layers models/test_differentiation.py \
    models/test_zone_classifier.py models/test_zone_model.py test_examples.py \
    verification \
    gradients)

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help install demo docs lint format types test test-slow test-jax clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

install: $(INSTALLED) ## make .venv and install the package with all it needs

# $(1): what pip is to install. Python compiles what it imports; that is a part of it.
define install_into_venv
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "make: expected Python 3.11 or newer as PYTHON." \
	        "Received: '$(PYTHON)'; install it or call make PYTHON=/path/to/python3.11" >&2; \
	    exit 2; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv $(VENV)
	@echo 'make: installing into $(VENV); the first time takes some minutes'
	@$(BIN)/python -m pip install -qq --no-compile --editable '$(1)'
endef

$(INSTALLED): setup.cfg pyproject.toml
	$(call install_into_venv,$(ALL))
	@touch $@ $(CORE)

$(CORE): setup.cfg pyproject.toml
	$(call install_into_venv,.)
	@touch $@

demo: $(CORE) ## train a small reader from nothing, sweep it, draw the heatmap
	$(BIN)/python -m cli.finetune
	$(BIN)/python -m cli.sweep
	@echo 'make: look at runs/demo/heatmap.png and runs/demo/results.csv;' \
	    'the reader is in runs/demo/model, its curves in training.png there'

$(DOCS): $(INSTALLED)
	$(call install_into_venv,.[docs])
	@touch $@

docs: export NO_MKDOCS_2_WARNING := 1
docs: $(DOCS) ## make a site of docs/, with the API, in site/
	$(BIN)/mkdocs build --strict
	@echo 'make: open site/index.html'

lint: $(INSTALLED) ## check the code with ruff, and who imports whom
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo

format: $(INSTALLED) ## let ruff mend what it can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

types: $(INSTALLED) ## check the types with mypy
	$(BIN)/mypy

test: lint types ## lint, types and the fast tests
	$(BIN)/pytest

test-slow: $(INSTALLED) ## the tests marked slow
	$(BIN)/pytest -m slow

$(JAX_INSTALLED): setup.cfg .ci/install_without_tensorflow.py
	@$(JAX_VENV)/bin/python -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv $(JAX_VENV)
	@echo 'make: installing into $(JAX_VENV); that pip misses tensorflow-text is meant'
	@$(JAX_VENV)/bin/python .ci/install_without_tensorflow.py
	@touch $@

# JAX compiles for every shape: fast to compile matters more than fast. It compiles an
# operation for every dtype as well, and one mixed policy has to do.
test-jax: export KERAS_BACKEND := jax
test-jax: export XLA_FLAGS := --xla_backend_optimization_level=0
test-jax: $(JAX_INSTALLED) ## the tests that need no TensorFlow, on JAX alone
	$(JAX_VENV)/bin/pytest $(WITHOUT_TENSORFLOW)
	$(JAX_VENV)/bin/pytest -m both_backends -k 'not mixed_float16' $(BOTH_BACKENDS)

clean: ## remove .venv, .venv-jax, caches and build outputs; results in runs/ stay
	rm -rf $(VENV) $(JAX_VENV) build dist site *.egg-info .mypy_cache .pytest_cache .ruff_cache \
	    .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
