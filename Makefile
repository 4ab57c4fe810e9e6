# Three commands do everything: `make demo`, `make demo-canary` and `make test`. All set up what they need by themselves.
PYTHON ?= python3
BIN := .venv/bin
SPECS := examples/flights examples/flights/live examples/minimal
MODELS := churn demand stores
MLFLOW := 3.17.2

.PHONY: demo demo-canary test fuzz lint compile examples generate bench clean

# --- demo: the flights example, from real data to verdicts -------------------------------------------

demo: .venv/installed
	$(MAKE) --no-print-directory examples
	@echo
	@echo "Running the jobs and the emitted gates of examples/flights on the real data:"
	@$(BIN)/python examples/demo.py examples/flights

# The model of the flights example, delivered on loopback: nginx-light and prometheus, from Debian's packages, are needed.
demo-canary: .venv/installed
	@$(BIN)/python examples/canary_demo.py build/canary-demo

# Compile every example for every back end; files that are already right are left alone.
examples: .venv/installed
	@for folder in $(SPECS); do \
	  echo "$$folder:"; $(BIN)/mlcc compile $$folder/mlcc.yaml --root $$folder --prune || exit; done
	@for model in $(MODELS); do \
	  echo "examples/monorepo/models/$$model:"; \
	  $(BIN)/mlcc compile examples/monorepo/models/$$model/mlcc.yaml --root examples/monorepo --prune || exit; done

# --- test: style, types, the whole suite -------------------------------------------------------------

test: .venv/developing tests/tools/node_modules/.installed $(if $(MLCC_TEST_ALL),.mlflow/installed)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n 2

# The same hostile strings and random specs as in the suite, and many times as many others.
fuzz: .venv/developing
	MLCC_TEST_FUZZ=1 $(BIN)/pytest -n 2 tests/injection tests/cli/test_fuzz.py tests/spec tests/lint/test_properties.py \
	  tests/static/test_random_specs.py tests/backends tests/equivalence tests/gates/test_contract_compile.py tests/init/test_propose.py

# What the sources determine: schemas, the fast loader's table, reference pages, golden trees.
generate: .venv/developing
	$(BIN)/python -m mlcc.generate
	$(BIN)/pytest -q tests/test_golden.py --update
	$(MAKE) --no-print-directory examples

# mlcc and its peers in turn, as ratios. BENCH="lint gates" runs only those, in a few minutes; `data` takes a quarter of an
# hour, 4 GB of disk and 5 GB of memory.
bench: .venv/benchmarking
	$(BIN)/python -m benchmarks $(BENCH)

# --- set-up ------------------------------------------------------------------------------------------

# The compiler runs on Python 3.10, too; DuckDB 2, which judges tables here, has no release for it.
.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "make: the examples and the tests need Python 3.11 or newer: make PYTHON=/path/to/python3.12"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

.venv/developing: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

.venv/benchmarking: .venv/developing
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	@touch $@

# GitHub's own workflow parser. Without npm, its tests are skipped by name (MLCC_TEST_ALL=1 makes them fail).
tests/tools/node_modules/.installed: tests/tools/package-lock.json
	@if command -v npm >/dev/null; then \
	  npm ci --ignore-scripts --no-audit --no-fund --prefix tests/tools && touch $@; \
	else echo "npm is not installed: the checks by GitHub's own parser will be skipped"; fi

# MLflow's tracking server, in an environment of its own and without what only its clients need.
.mlflow/installed: tests/tools/mlflow.txt
	$(PYTHON) -m venv .mlflow
	.mlflow/bin/python -m pip install --quiet --disable-pip-version-check --no-deps mlflow==$(MLFLOW)
	.mlflow/bin/python -m pip install --quiet --disable-pip-version-check -r tests/tools/mlflow.txt
	@touch $@

clean:
	rm -rf .venv .mlflow tests/tools/node_modules examples/flights/.venv examples/flights/build examples/flights/data build/canary-demo dist
