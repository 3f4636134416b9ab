PYTHON ?= python3
BIN := .venv/bin
SOURCES := bootstrap.py libs demo

.PHONY: help setup check test clean

help: ## list the targets
	@grep -hE "^[a-z-]+:.*## " $(MAKEFILE_LIST) | sed -E "s/:.*## /\t/"

setup: ## create the virtual environment; does nothing when it is up to date
	@$(PYTHON) bootstrap.py

check: setup ## lint, format and types
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy libs/core/src demo/src

test: check ## set up and run everything
	$(BIN)/pytest

clean: ## remove what setup made
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
