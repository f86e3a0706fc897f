# The two commands of the README are `make app` and `make test`; each sets up what it needs first.
# uv is used where it is installed, else venv and pip. Override the interpreter with PYTHON=python3.12.

SHELL := /bin/sh
.SHELLFLAGS := -ec

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
ORACLE := .venv-oracle
PEERS := .venv-peers
PYTEST_FLAGS ?=
# Files of tests are shared out among the cores; more than four would wait for the memory.
IN_PARALLEL := -n logical --maxprocesses 4 --dist loadfile
# cpu, gpu (CUDA 13) or tpu: which build of JAX to add.
DEVICE ?= cpu
EXTRA := $(if $(filter-out cpu,$(DEVICE)),-e .[$(DEVICE)])

.PHONY: app install test check format oracle bench lock clean browser screenshots

app: $(VENV)/.installed
	@$(BIN)/python -m vit_core app

install: $(VENV)/.installed

test: $(VENV)/.installed-dev browser
	$(BIN)/python -m pytest $(IN_PARALLEL) $(PYTEST_FLAGS)

check: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(VENV)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Numbers checked against PyTorch and timm, in an environment of their own: no user's `make test` downloads a torch.
oracle: $(ORACLE)/.installed
	$(ORACLE)/bin/python -m pytest tests/oracle $(PYTEST_FLAGS)

# Every page in light, dark and phone width into build/screenshots, and the README's.
screenshots: browser
	VIT_README_SCREENSHOT=docs/screenshot.png $(BIN)/python -m pytest tests/browser/test_screenshots.py $(PYTEST_FLAGS)

# All figures of benchmarks/README.md, in under 25 minutes on two cores. Best on a machine that does nothing else.
bench: browser $(PEERS)/.installed
	$(BIN)/python -m benchmarks.campaign || failed=1; $(BIN)/python -m benchmarks.table; exit $${failed:-0}

browser: $(VENV)/.installed-dev
	@$(BIN)/python tests/install_browser.py

# The locks serve every supported Python at once: the newest versions that fit pyproject.toml. Needs uv.
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --no-annotate --no-header --upgrade pyproject.toml
lock:
	$(COMPILE) -o build/runtime.txt
	$(COMPILE) --extra dev -c build/runtime.txt -o build/dev.txt
	{ echo "# The locked runtime, and the project itself. Made by 'make lock' from pyproject.toml."; \
	  cat build/runtime.txt; echo "-e ."; } > requirements.txt
	{ echo "# The runtime, and what the checks and tests need. Made by 'make lock' from pyproject.toml."; \
	  cat build/dev.txt; } > requirements-dev.txt

clean:
	rm -rf $(VENV) $(ORACLE) $(PEERS) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "ViT Explorer needs Python 3.11 or newer; none was found on the PATH." >&2; exit 1; }
	@if command -v uv >/dev/null; then uv venv --quiet --allow-existing --python "$(PYTHON)" $(VENV); \
	else "$(PYTHON)" -m venv $(VENV) || { \
		echo "Python's venv module is incomplete here; on Debian: apt install python3-venv" >&2; exit 1; }; fi

$(VENV)/.installed: requirements.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing the packages (once; a minute or two)…"
	@$(call install,$(VENV),-r requirements.txt $(EXTRA))
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@$(call install,$(VENV),-r requirements-dev.txt)
	@touch $@

# torch is taken by pip from wherever pip is told to look, so that a CPU build on disk is preferred.
$(ORACLE)/.installed: tests/oracle/requirements.txt requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "ViT Explorer needs Python 3.11 or newer; none was found on the PATH." >&2; exit 1; }
	"$(PYTHON)" -m venv $(ORACLE)
	$(ORACLE)/bin/pip install --quiet torch==2.13.0
	$(ORACLE)/bin/pip install --quiet --no-deps -r tests/oracle/requirements-nodeps.txt
	$(ORACLE)/bin/pip install --quiet -r tests/oracle/requirements.txt -r requirements.txt
	@touch $@

# What this project is compared with. Without JAX and without the project itself: a peer's process holds the peer alone.
$(PEERS)/.installed: benchmarks/requirements.txt tests/oracle/requirements-nodeps.txt
	@test -n "$(PYTHON)" || { echo "ViT Explorer needs Python 3.11 or newer; none was found on the PATH." >&2; exit 1; }
	"$(PYTHON)" -m venv $(PEERS)
	$(PEERS)/bin/pip install --quiet torch==2.13.0
	$(PEERS)/bin/pip install --quiet --no-deps -r tests/oracle/requirements-nodeps.txt
	$(PEERS)/bin/pip install --quiet -r benchmarks/requirements.txt
	@touch $@

install = if command -v uv >/dev/null; then VIRTUAL_ENV=$(1) uv pip install --quiet $(2); \
	else $(1)/bin/python -m pip install --quiet --disable-pip-version-check $(2); fi
