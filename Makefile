# make bench                      set up, fetch weights, run text classification
# make bench ARGS="budget=toy"    the same with overrides
# make test                       set up with the test extras, run every check
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
ARGS ?=
TASK := $(if $(or $(findstring task=,$(ARGS)),$(findstring experiment=,$(ARGS))),,task=text_clf)

.PHONY: bench test format clean

bench: $(VENV)/installed
	$(RUN) -m bench zoo fetch
	$(RUN) -m bench $(TASK) $(ARGS)

test: $(VENV)/installed-test
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(RUN) -m pytest

format: $(VENV)/installed-test
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/installed-test: $(VENV)/installed
	$(RUN) -m pip install --quiet --constraint constraints.txt --editable ".[test]"
	touch $@

clean:
	rm -rf $(VENV) .bench .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
