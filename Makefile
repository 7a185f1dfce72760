# `make up` and `make test` need Python 3.11+ with venv, and make; nothing else.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
SHELL  := /bin/sh
WORKERS ?= 2

.PHONY: up down test test-services test-browser test-docker matrix demo lint format bench lock schema wheel clean
.DEFAULT_GOAL := up

# A stamp a lock file: an unchanged lock costs nothing, a changed one is synchronised.
$(VENV)/.base: requirements/base.txt pyproject.toml
	@$(PYTHON) scripts/install.py --venv $(VENV) requirements/base.txt
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml
	@$(PYTHON) scripts/install.py --venv $(VENV) requirements/dev.txt
	@touch $@ $(VENV)/.base

up: $(VENV)/.base
	@$(BIN)/egx up -d

down: $(VENV)/.base
	@$(BIN)/egx down

test: $(VENV)/.dev
	@$(BIN)/pytest -n $(WORKERS) tests

# Real PostgreSQL and Redis: the suite over PostgreSQL, then two web servers and two workers; skipped where they are not.
test-services: $(VENV)/.dev
	@$(BIN)/python -m tests.services.on_postgresql -n $(WORKERS) tests/deployments tests/gateways tests/access \
	    tests/admin tests/monitoring tests/api tests/egx_project
	@$(BIN)/pytest -m services tests/services

# Chromium against a real EGX; skipped with a reason where there is none.
test-browser: $(VENV)/.dev
	@$(BIN)/pytest -m browser tests/browser

# On Docker Engine, with real releases in a registry on loopback. As root it installs, builds and starts what is missing;
# where there can be no engine (status 3) the tests are skipped with a reason.
test-docker: $(VENV)/.dev
	@$(BIN)/python -m tests.testbed up --newer || [ $$? -eq 3 ]
	@$(BIN)/pytest -n $(WORKERS) -m docker tests/contract tests/docker
	@$(BIN)/pytest -m engine_death tests/docker

# Kills at every remaining point, on real Envoys.
matrix: $(VENV)/.dev
	@$(BIN)/pytest -n $(WORKERS) -m matrix tests

# Updates under load, on an EGX of its own; what became of each request.
demo: $(VENV)/.base
	@$(BIN)/egx demo

lint: $(VENV)/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy .
	@$(BIN)/lint-imports
	@DJANGO_SETTINGS_MODULE=egx_project.settings.test $(BIN)/python manage.py makemigrations --check --dry-run

format: $(VENV)/.dev
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/.dev
	@$(BIN)/python -m bench

# By version and hash for every platform; no addresses.
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header
lock:
	$(LOCK) pyproject.toml --group build -o requirements/base.txt $(LOCKFLAGS)
	$(LOCK) pyproject.toml --group dev --extra scaled -c requirements/base.txt -o requirements/dev.txt $(LOCKFLAGS)
	$(LOCK) pyproject.toml --group build --all-extras -c requirements/base.txt -o requirements/all.txt $(LOCKFLAGS)

# The API's description, from the code.
schema: $(VENV)/.dev
	@DJANGO_SETTINGS_MODULE=egx_project.settings.test $(BIN)/python manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

wheel: $(VENV)/.dev
	@$(BIN)/python -m build --no-isolation --wheel

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
