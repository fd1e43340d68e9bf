# Plain make, git and python3 (3.11 or newer, with venv) are all that is needed. `make help` lists the targets.

VENV := .venv
PYTHON := $(VENV)/bin/python
PIP := $(PYTHON) -m pip install --quiet --disable-pip-version-check --only-binary :all: -c constraints.txt
PYTEST := $(PYTHON) -m pytest -n 2 --dist loadfile
SOURCES := src tests $(wildcard benchmarks examples)
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help venv run test test-all check bench clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

venv: $(VENV)/.dev ## Create .venv with everything that development needs

run: $(VENV)/.core ## Start autonomous paper trading (make run ARGS="--for 60s")
	$(VENV)/bin/bot4 paper --feed auto $(ARGS)

test: $(VENV)/.dev ## Run the fast tests
	$(PYTEST) -m "not slow" $(ARGS)

test-all: $(VENV)/.dev ## Run all tests, the slow ones included
	$(PYTEST) $(ARGS)

check: $(VENV)/.dev ## Check format, lint, types and import contracts
	$(VENV)/bin/ruff format --check $(SOURCES)
	$(VENV)/bin/ruff check $(SOURCES)
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

bench: $(VENV)/.dev ## Measure speed beside the peers that are installed (docs/performance.md)
	$(PYTHON) -m benchmarks $(ARGS)

clean: ## Remove the environment and everything that was built
	rm -rf $(VENV) build dist htmlcov .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The newest python3 from 3.11 on that can make environments; the shims of pyenv may be there and not work.
$(PYTHON):
	@for python in python3.14 python3.13 python3.12 python3.11 python3; do \
	  if $$python -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; then \
	    echo "Creating $(VENV) with $$($$python --version)" && exec $$python -m venv $(VENV); \
	  fi; \
	done; \
	echo "No Python from 3.11 to 3.14 with venv was found: install one (on Debian: apt install python3-venv)" >&2; exit 1

$(VENV)/.core: pyproject.toml constraints.txt | $(PYTHON)
	@echo "Installing Bot4 into $(VENV)"
	@$(PIP) -e .
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(PYTHON)
	@echo "Installing Bot4 and its development tools into $(VENV)"
	@$(PIP) -e '.[dev]'
	@touch $@ $(VENV)/.core
