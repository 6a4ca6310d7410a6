# make demo   set up and run the main job: the Robertson problem from its text to 1e11, with a plot and a table
# make test   set up and run the tests
# Both make the environment they need, in .venv (or VENV=path).

VENV ?= .venv
PYTHON ?= python3
WORKERS ?= 2
BIN := $(VENV)/bin

.PHONY: demo test lint wheel bench docs clean

demo: $(VENV)/.installed-demo
	@mkdir -p out
	@$(BIN)/python examples/robertson.py --plot out/rober.png

test: $(VENV)/.installed
	$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/lint-imports
	$(BIN)/pyright --pythonpath $(BIN)/python

# The engine is translated before it is packed, so that users' machines need not wait for numba.
wheel: $(VENV)/.installed-dev
	$(BIN)/python -m symde.engine.cpu.packed
	$(BIN)/python -m build --wheel

bench: $(VENV)/.installed
	$(BIN)/python -m benchmarks

docs: $(VENV)/.installed-docs
	$(BIN)/python docs/generate.py
	$(BIN)/python -m sphinx -W -b html docs docs/_build/html

clean:
	rm -rf .venv .ci-venv build dist out docs/_build .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './.*' -prune -exec rm -rf {} +

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# The stamps stand for "installed as pyproject.toml now says". The demo does without torch.
$(VENV)/.installed-demo: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[plot,pandas]'
	@touch $@

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[test,plot,pandas]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

$(VENV)/.installed-docs: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[docs,plot]'
	@touch $@
