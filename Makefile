# `make help` lists the targets. Everything is installed into .venv, from the locks, when it is first needed.
.DEFAULT_GOAL := help
.NOTPARALLEL:
SHELL := /bin/bash
BIN := .venv/bin
ROOMS := schemas streams agents storage analysis simulator sparge
CODE := $(ROOMS) tests bench scripts
RUNTIME := .venv/.runtime
DEV := .venv/.dev
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate pyproject.toml

export PYTHON

.PHONY: help install demo test soak check format contracts bench bench-models pictures lock wheel clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

install: $(RUNTIME) ## the environment alone, without development tools

demo: $(RUNTIME) ## two simulated bioreactors, one goes wrong, its alert (ARGS=--until-alert, ...)
	@exec scripts/timescaledb run --name demo -- $(BIN)/sparge demo $(ARGS)

test: $(DEV) ## the whole suite against real servers (ARGS="-k name", ...)
	@exec scripts/timescaledb run --name test --fresh -- $(BIN)/pytest -n 4 --dist loadscope --no-loadscope-reorder $(ARGS)

soak: $(DEV) ## faults of every kind under load, rows compared (FAULTS=1000, SEED=5)
	@exec env FAULTS=$(or $(FAULTS),100) SEED=$(or $(SEED),5) scripts/timescaledb run --name soak --fresh -- \
		$(BIN)/pytest -s tests/integration/agents/test_soak.py

check: $(DEV) ## lint, format, types, import contracts, exported contracts
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	MYPYPATH=scripts $(BIN)/mypy scripts/*.py
	$(BIN)/lint-imports --no-logo

format: $(DEV) ## put the code into shape
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

contracts: $(DEV) ## export contracts (JSON Schema) and signals to docs/reference
	$(BIN)/python -m schemas.export docs/reference
	$(BIN)/python -m schemas.signals_page docs/reference/signals.md

bench: $(DEV) ## every benchmark, results to bench/results (ARGS=name, ...)
	@exec scripts/timescaledb run --name bench -- $(BIN)/python -m bench $(or $(ARGS),--save)

bench-models: $(DEV) ## the models on public recordings (ARGS="skab --data DIR", ...)
	@exec $(BIN)/python -m bench.models $(ARGS)

pictures: $(DEV) ## simulated batches beside recorded ones, to docs/pictures/simulator
	@exec $(BIN)/python scripts/pictures.py $(ARGS)

lock: $(DEV) ## resolve anew what pyproject.toml asks for, newest versions first (ARGS="-P name" for one)
	$(LOCK) --extra server --extra embedded --group build $(or $(ARGS),--upgrade) -o requirements.lock
	$(LOCK) --extra server --group build -c requirements.lock $(or $(ARGS),--upgrade) -o requirements-server.lock
	$(LOCK) --extra server --extra embedded --group dev -c requirements.lock $(or $(ARGS),--upgrade) -o requirements-dev.lock

wheel: $(DEV) ## build dist/*.whl
	$(BIN)/uv build --quiet --wheel --no-build-isolation --python $(BIN)/python --out-dir dist .

clean: ## remove .venv, caches and built files; data stay
	rm -rf .venv dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find $(CODE) -name __pycache__ -prune -exec rm -rf {} +

$(RUNTIME): requirements.lock pyproject.toml scripts/environment
	@scripts/environment requirements.lock
	@touch $(RUNTIME)

# The development lock holds the runtime's requirements at the same versions, and more.
$(DEV): requirements-dev.lock requirements.lock pyproject.toml scripts/environment
	@scripts/environment requirements-dev.lock
	@touch $(RUNTIME) $(DEV)
