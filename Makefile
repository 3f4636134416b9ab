PYTHON ?= python3
BIN := .venv/bin
SOURCES := bootstrap.py protos libs services demo launcher tests

.PHONY: help setup check test protos clean

help: ## list the targets
	@grep -hE "^[a-z-]+:.*## " $(MAKEFILE_LIST) | sed -E "s/:.*## /\t/"

setup: ## create the virtual environment; does nothing when it is up to date
	@$(PYTHON) bootstrap.py

protos: setup ## write the generated code of libs/protos
	$(BIN)/python protos/generate.py

check: setup ## lint, format, types, layers, protos
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy libs/core/src libs/embedded/src services/analytics/src launcher/src demo/src
	$(BIN)/buf lint protos
	$(BIN)/python protos/generate.py --check

test: check ## set up and run everything
	$(BIN)/pytest

clean: ## remove what setup made
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
