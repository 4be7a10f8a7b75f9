# Two commands matter: `make run` and `make test`. `make help` explains the rest.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ENGINES := $(VENV)/.engines
CODE := contracts routing adapters services deploy

# Where a running Sampan keeps its keys, tokens and database.
DATA ?= data
# pytest workers; 0 runs the tests in one process, which is easier to debug.
WORKERS ?= 2
# What to test: make pytest TESTS=tests/unit/house
TESTS ?= tests
# The local Kafka: where it keeps its data, how many nodes (1 or 3), the first broker's port.
KAFKA ?= .kafka
NODES ?= 1
PORT ?= 9092
# A number makes the property tests choose the same examples again.
SEED ?=

.DEFAULT_GOAL := help
.PHONY: help setup run run-kafka demo test lint types imports contracts adr rules rules-page pytest chaos chaos-kafka bench kafka-up kafka-down kafka-status format lock clean

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  \033[1m%-12s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## make the Python environment in .venv from the hashed lock

run: setup ## start Sampan, carry one referral across before your eyes, keep serving (Ctrl-C stops)
	@exec $(BIN)/sampan serve --demo --data $(DATA)

demo: setup ## play the nine scenarios: who was told, who was not, why
	@exec $(BIN)/sampan demo

test: lint types imports contracts adr rules pytest ## everything that must hold before a commit (what CI runs)

lint: setup ## ruff: style, likely mistakes, security
	@$(BIN)/ruff check .

types: setup ## mypy --strict
	@$(BIN)/mypy $(CODE) tests/support

imports: setup ## import-linter: which folder may import which
	@$(BIN)/lint-imports --no-logo

contracts: setup ## the committed schemas equal what the models say, and stay compatible
	@$(BIN)/python -m contracts.generate --check

adr: setup ## the index of decisions equals the decisions
	@$(BIN)/python docs/adr/index.py --check

rules: setup ## the rules: nothing wrong in them, each keeps to its examples, docs/rules.html equals them
	@$(BIN)/sampan rules check && $(BIN)/sampan rules test && $(BIN)/sampan rules page --out docs/rules.html --check

pytest: setup ## the tests alone (TESTS=path, WORKERS=n, SEED=n)
	@$(BIN)/python -m deploy.kafka fetch
	@$(BIN)/pytest -n $(WORKERS) $(if $(SEED),--hypothesis-seed=$(SEED)) $(TESTS)

chaos: setup ## kill the server fifty times while a thousand events flow (SEED=n; minutes)
	@SAMPAN_KILLS=$${SAMPAN_KILLS:-50} SAMPAN_CASES=$${SAMPAN_CASES:-280} SEED=$(or $(SEED),7) $(BIN)/pytest -q tests/chaos/test_kill.py

chaos-kafka: setup ## kill, pause, fill and restart brokers, services and PostgreSQL while events flow (SEED=n; minutes)
	@$(BIN)/python -m deploy.kafka fetch
	@SAMPAN_FAULTS=$${SAMPAN_FAULTS:-24} SAMPAN_CASES=$${SAMPAN_CASES:-120} SEED=$(or $(SEED),7) $(BIN)/pytest -q tests/chaos/test_kafka_chaos.py

bench: setup $(if $(filter-out matching,$(ONLY)),,$(ENGINES)) ## the benchmarks; each ends with one line of JSON (ONLY=matching for one; minutes, quiet machine)
	@exec $(BIN)/python -m benchmarks $(if $(ONLY),--only $(ONLY)) $(if $(SEED),--seed $(SEED))

run-kafka: setup ## the same on three Kafka brokers; services, vault and a ministry's own edge a process each (Ctrl-C stops)
	@exec $(BIN)/python -m services.assembly.kafka_demo --data $(DATA)-kafka

kafka-up: setup ## start Apache Kafka on this machine, without Java or Docker (NODES=3, PORT=29092)
	@exec $(BIN)/python -m deploy.kafka up --folder $(KAFKA) --nodes $(NODES) --port $(PORT)

kafka-down: setup ## stop it; its data stays
	@exec $(BIN)/python -m deploy.kafka down --folder $(KAFKA)

kafka-status: setup ## which of its nodes run and answer
	@$(BIN)/python -m deploy.kafka status --folder $(KAFKA) || test $$? -eq 3

rules-page: setup ## write docs/rules.html anew from the rules
	@$(BIN)/sampan rules page --out docs/rules.html

format: setup ## let ruff format the code
	@$(BIN)/ruff check --fix --select I . && $(BIN)/ruff format .

lock: ## write requirements.lock anew from pyproject.toml (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --extra server --extra kafka-local --group dev --group bench --group containers pyproject.toml -o requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --extra server --extra kafka -c requirements.lock pyproject.toml -o deploy/compose/requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url -c requirements.lock --group pyproject.toml:engines -o benchmarks/requirements.lock

clean: ## remove the environment and caches (never data: a case may wait in it)
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Sampan needs Python 3.11 or newer; $(PYTHON) is %d.%d. Try: make PYTHON=python3.12 setup" % sys.version_info[:2])'
	@echo "setting up .venv (once, about a minute)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# The rule engines that benchmarks/matching.py compares ours with; nothing else needs them.
$(ENGINES): $(STAMP) benchmarks/requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r benchmarks/requirements.lock
	@touch $@
