# One command each. Every target makes or upgrades .venv first; `make help` lists them.
# The Python to make .venv from; another one: make PYTHON=python3.12 run
PYTHON ?= python3
BIN := .venv/bin
# More arguments for the tool behind a target, for example: make test-fast ARGS="-k watermark"
ARGS ?=
# Two workers: the suite starts real processes and waits for them, so even two cores gain; 0 runs it in one process.
WORKERS ?= 2

GOAL := $(or $(firstword $(MAKECMDGOALS)),setup)
# A Python named on the command line or in the environment is to be used, not merely to be tried.
CHOSEN := $(if $(filter file,$(origin PYTHON)),,--chosen)
SETUP = @command -v "$(PYTHON)" >/dev/null 2>&1 || { \
	echo "There is no $(PYTHON) here: install Python 3.11 or newer, or choose one, for example: make PYTHON=python3.12 $(GOAL)" >&2; \
	exit 2; }; "$(PYTHON)" tools/setup_env.py --goal $(GOAL) $(CHOSEN)

.DEFAULT_GOAL := help
.PHONY: help setup setup-full run kafka demo-kafka test test-faults test-fast lint bench bench-score bench-kafka check lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

setup: ## make .venv with the slim set, tests and tools
	$(SETUP) --set slim --dev

setup-full: ## make .venv with the whole product (torch, Kafka client), tests and tools
	$(SETUP) --set full --dev

run: ## show the whole monitor, live, on a story of invented companies; slim set
	$(SETUP) --set slim
	@$(BIN)/python -m monitor demo $(ARGS)

kafka: ## start a Kafka broker in the foreground, from its Java artifacts; ARGS="--nodes 3" is a cluster
	@command -v "$(PYTHON)" >/dev/null 2>&1 || { echo "There is no $(PYTHON) here: install Python 3.11 or newer" >&2; exit 2; }
	@"$(PYTHON)" -m tools.kafka $(ARGS)

demo-kafka: ## show the demo's story on a real broker, a process for each role; full set
	$(SETUP) --set full
	@$(BIN)/python -m tools.kafka.demo $(ARGS)

test: ## run every test but those of test-faults; full set
	$(SETUP) --set full --dev
	@$(BIN)/python -m pytest -n $(WORKERS) -m "not faults" $(ARGS)

test-faults: ## kill processes and brokers for as long as it takes; full set
	$(SETUP) --set full --dev
	@$(BIN)/python -m pytest -n 0 -m faults $(ARGS)

test-fast: ## run the tests that take less than a second each; slim set
	$(SETUP) --set slim --dev
	@HYPOTHESIS_PROFILE=$${HYPOTHESIS_PROFILE:-fast} $(BIN)/python -m pytest -n $(WORKERS) -m "not slow" $(ARGS)

lint: ## check style, imports and types; slim set
	$(SETUP) --set slim --dev
	@$(BIN)/ruff check .
	@$(BIN)/mypy

bench: ## run the benchmarks one after the other; each ends with a line of JSON; full set
	$(SETUP) --set full --dev
	@set -e; for file in tests/bench/bench_*.py; do \
		[ -e "$$file" ] || { echo "There are no benchmarks yet."; break; }; \
		name=$$(basename "$$file" .py); echo "== $$name"; $(BIN)/python -m "tests.bench.$$name" $(ARGS); \
	done

bench-score: ## the scoring engine beside transformers and torch, same weights and texts; full set
	$(SETUP) --set full --dev
	@$(BIN)/python -m tests.bench.bench_score $(ARGS)

bench-kafka: ## the roles on a real broker: cost, rates, latency, restores; full set
	$(SETUP) --set full --dev
	@$(BIN)/python -m tests.bench.bench_kafka $(ARGS)

check: ## do all that CI does
	@PYTHON="$(PYTHON)" .ci/run

lock: ## write requirements.lock again after a change of a requirements file; asks the package index
	$(SETUP) --set slim --dev
	@$(BIN)/python -m tools.lock

clean: ## remove what was generated; .venv stays (remove it by hand to begin again)
	@rm -rf build out .mypy_cache .ruff_cache .pytest_cache .hypothesis ./*.egg-info
	@find . -path ./.venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
