# `make` alone lists the targets. Each does its own set-up, in .venv, from constraints.txt.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo train test test-kafka chaos lint types schemas bench profile fuzz audit manifests dashboards ops-check clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/ready ## make .venv with everything in it

$(VENV)/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "ScamSieve needs Python 3.11 or newer: make PYTHON=python3.11 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: setup ## broker, worker and a sample feed: watch scams being flagged
	$(BIN)/scamsieve demo

train: setup ## a model of your own in build/model, from the project's corpus alone (more: scamsieve train --data ...)
	$(BIN)/scamsieve train --out build/model

test: setup ## the tests, on the embedded broker
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

test-kafka: setup ## the integration tests on Apache Kafka (needs Java 17 and Maven)
	SCAMSIEVE_TEST_BROKER=kafka $(BIN)/python -m pytest tests/integration

chaos: setup ## faults at random while messages flow: nothing lost, nothing twice (long: CHAOS="--messages 1000000 --faults 40")
	$(BIN)/python -m tests.chaos $(CHAOS)

lint: setup ## ruff: style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup ## mypy, strict
	$(BIN)/mypy

bench: setup ## how fast it is on this machine, beside what one would take instead (BENCH=--quick for a small run)
	$(BIN)/python -m tests.bench $(BENCH)

profile: setup ## where the time of a message goes, by stage
	$(BIN)/python -m tests.bench profile

fuzz: setup ## any bytes into the code, guided by what they reach (FUZZ='--seconds 600', or FUZZ='worker --records 1000000')
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[fuzz]'
	$(BIN)/python -m tests.fuzz $(FUZZ)

audit: setup ## known vulnerabilities of the versions in constraints.txt (says so if their source cannot be reached)
	$(BIN)/python -m tests.audit

manifests: setup ## write the runbooks' address into the rules, and what Kubernetes needs of rules and dashboards
	$(BIN)/python -m tests.ops.generate

dashboards: setup ## write the JSON of deploy/grafana from its source
	$(BIN)/python -m deploy.grafana.dashboards

ops-check: setup ## dashboards, rules and manifests on a running system (needs Java 17, Maven, Prometheus, Alertmanager's amtool, Go)
	$(BIN)/python -m tests.ops

schemas: setup ## write docs/events from the records' structs
	$(BIN)/python -m stream.schemas

constraints: ## take the newest versions that pyproject.toml allows
	$(PYTHON) -m venv build/constraints
	build/constraints/bin/python -m pip install --quiet --upgrade '.[dev]'
	{ head -1 constraints.txt; build/constraints/bin/python -m pip freeze --exclude scamsieve; } > build/constraints.txt
	mv build/constraints.txt constraints.txt

clean: ## remove what the other targets made
	rm -rf $(VENV) build dist *.egg-info
