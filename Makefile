unexport PYTHONDONTWRITEBYTECODE  # every process of a centre would compile all of our code again

PYTHON ?= python3
BIN := .venv/bin
SOURCES := bootstrap.py conftest.py protos libs services demo launcher operations tests

SIMULATION := PYTHONPATH=tests/simulation:tests/support:libs/ledger/tests $(BIN)/python

.PHONY: help setup check test explore chaos chaos-selftest run demo bench bench-ledger bench-erlang sim sim-selftest reset protos clean

help: ## list the targets
	@grep -hE "^[a-z-]+:.*## " $(MAKEFILE_LIST) | sed -E "s/:.*## /\t/"

setup: ## create the virtual environment; does nothing when it is up to date
	@$(PYTHON) bootstrap.py

protos: setup ## write the generated code of libs/protos
	$(BIN)/python protos/generate.py

check: setup ## lint, format, types, layers, protos, the same of the web pages
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy $(filter-out libs/protos/src,$(wildcard libs/*/src services/*/src)) launcher/src operations/src demo/src
	$(BIN)/lint-imports --no-cache
	$(BIN)/buf lint protos
	test ! -f protos/released.binpb || $(BIN)/buf breaking protos --against protos/released.binpb
	$(BIN)/python protos/generate.py --check
	$(BIN)/python -m trunkline_embedded.web services/console/web check

test: check ## set up and run everything
	$(BIN)/pytest -n 3 --no-loadscope-reorder

explore: setup ## try the properties on random histories, other ones each time, ROUNDS times
	@for round in $$(seq $(or $(ROUNDS),1)); do $(BIN)/pytest -n 2 -m hypothesis --hypothesis-profile explore || exit 1; done

chaos: setup ## break a busy centre on real brokers and judge it (CHAOS_MINUTES, CHAOS_SEED, CHAOS_BROKERS, CHAOS_RATE, CHAOS_AGENTS, CHAOS_FAULTS, CHAOS_FOLDER, CHAOS_EVIDENCE)
	@PYTHONPATH=tests:tests/support $(BIN)/python -m chaos

chaos-selftest: sim-selftest ## plant bugs that the simulator must find, then those that a chaos run must find
	@PYTHONPATH=tests:tests/support $(BIN)/python -m chaos.selftest

run: setup ## start the whole centre on this machine; Ctrl-C stops it
	@$(BIN)/python -m trunkline_launcher run

demo: setup ## replay a real day through the running centre (SPEED, SEED, FROM, TO, DATA)
	@$(BIN)/python -m trunkline_demo

bench: setup ## print figures of the ledger, the rules, contacts through acd and the whole centre, kills; some twenty minutes
	$(BIN)/python libs/ledger/bench/append.py
	$(BIN)/python services/acd/bench/decider.py
	$(BIN)/python libs/platform/bench/wire.py
	$(BIN)/python libs/ledger/bench/kills.py --seconds 30
	$(BIN)/python launcher/bench/idle.py
	$(BIN)/python launcher/bench/contacts.py
	$(BIN)/python launcher/bench/contacts.py --live 100000
	$(BIN)/python launcher/bench/chain.py

bench-ledger: setup ## print figures of the ledger: commands over gRPC, memory, snapshots, recovery, fail-over; some fifteen minutes
	$(BIN)/python launcher/bench/commands.py
	$(BIN)/python libs/ledger/bench/snapshots.py --replay
	$(BIN)/python libs/ledger/bench/failover.py

bench-erlang: setup ## compare the routing rules with Erlang B, C and A, a million callers and more; takes long (ERLANG="--arrivals 5000")
	$(BIN)/python services/acd/bench/agreement.py $(ERLANG)

sim: setup ## simulate the ledger's runtime under a thousand seeds (SEED, DEATH, OFFERS, DECIDER_OFFERS)
	@$(SIMULATION) -m simulate $(if $(SEED),--seed $(SEED)) $(if $(DEATH),--death $(DEATH)) $(if $(OFFERS),--offers $(OFFERS)) \
		$(if $(DECIDER_OFFERS),--decider-offers $(DECIDER_OFFERS))

sim-selftest: setup ## plant bugs that the simulator must find
	@$(SIMULATION) -m selftest

reset: setup ## forget all data of this machine's centre
	@$(BIN)/python -m trunkline_launcher reset

clean: ## remove what setup made
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
