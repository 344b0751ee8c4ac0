# Spanbridge. `make help` lists the targets.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
HOST ?= 127.0.0.1
PORT ?= 8000
DATA ?=
OUT ?= build/eval
VENV := .venv
TOOLS := build/tools
LABEL_STUDIO := 1.23.2
DOCCANO := 1.8.4
TOOLED := $(TOOLS)/label-studio/.installed-$(LABEL_STUDIO) $(TOOLS)/doccano/.installed-$(DOCCANO)
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
MEMBERS := shared services/translation services/alignment services/projection services/ner_teacher gateway client
PROJECTS := $(MEMBERS:%=%/pyproject.toml)

.DEFAULT_GOAL := help
.PHONY: load test-faults fuzz test-tools up down test-compose help setup setup-dev setup-bench run test lint type bench eval models-check format lock clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  (PORT=$(PORT) HOST=$(HOST) change where it listens; PYTHON=$(PYTHON) makes $(VENV))"

setup: $(VENV)/.installed  ## Make .venv with .venv/bin/spanbridge; quick when nothing changed

setup-dev: $(VENV)/.installed-dev  ## Add `spanbridge evaluate` and `distill`, and what tests, lint and types need (torch among it)

run: setup  ## Start everything in one process on HOST:PORT
	@exec $(BIN)/spanbridge serve --host $(HOST) --port $(PORT)

up:  ## Build and start all containers (docker-compose.yml), and wait until they are healthy
	docker compose up --build --wait

down:  ## Stop the containers, and remove them
	docker compose --profile '*' down

test: setup-dev  ## Run the tests
	$(BIN)/python -m pytest $(ARGS)

test-faults: setup-dev  ## Test what happens when services fail, processes end and clients misbehave (part of `make test`)
	$(BIN)/python -m pytest tests/faults tests/integration/test_redis_faults.py tests/integration/test_redis_outages.py $(ARGS)

fuzz: setup-dev  ## Send 100,000 made-up requests to every service (10 minutes); fails on a 5xx but 503, a hang, a crash or an answer that isn't as documented
	@$(BIN)/python -m tests.faults.fuzz $(ARGS)

test-compose: setup-dev  ## Build and start the containers for real, and test them (on Debian, sets up an engine of its own)
	REQUIRE_ENGINE=1 $(BIN)/python -m pytest tests/compose $(ARGS)

test-tools: setup-dev $(VENV)/.installed-tools $(TOOLS)/.chromium $(TOOLED)  ## Test with the real annotation tools and a browser (installs them below build/tools, about 2 GB, once)
	@$(BIN)/python -m tests.tools $(ARGS)

lint: setup-dev  ## Check style and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

type: setup-dev  ## Check types (mypy, strict)
	$(BIN)/mypy

format: setup-dev  ## Format the code
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format .

bench: setup-bench  ## Measure speed; prints ratios from one run
	$(BIN)/python -m bench

setup-bench: $(VENV)/.installed-bench

load: setup-dev  ## Measure many clients, cached sentences and ten times too many (3 minutes); fails where a target is missed
	@$(BIN)/python -m bench.load

eval: $(VENV)/.installed-eval  ## Measure on the gold data below DATA=… (10 minutes) into OUT=…; without DATA, say where to get it
	@$(BIN)/spanbridge evaluate all $(if $(DATA),--data "$(DATA)") --out "$(OUT)" $(ARGS)

models-check: setup-dev  ## Check models/: sums, sizes, loading; with DATA=… measure the cards' figures again (5 minutes)
	@$(BIN)/python -m training.check $(if $(DATA),--data "$(DATA)")

lock:  ## Renew uv.lock and constraints.txt (needs uv)
	uv lock
	uv export --quiet --all-packages --all-extras --all-groups --no-hashes --no-emit-workspace --no-annotate \
		--no-header --output-file constraints.txt >/dev/null

clean:  ## Remove .venv and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "$(PYTHON) is older than Python 3.11: set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(PROJECTS) constraints.txt | $(VENV)/bin/python
	@echo "Installing Spanbridge into $(VENV) (about a minute, once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "pip>=25.1"
	@$(PIP) hatchling editables
	@$(PIP) --no-build-isolation $(MEMBERS:%=--editable %)
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed pyproject.toml evaluation/pyproject.toml distillation/pyproject.toml
	@echo "Installing what the tests need into $(VENV)"
	@$(PIP) seqeval
	@$(PIP) --no-build-isolation --editable evaluation --editable 'distillation[training]' \
		--editable 'client[convert,training]' \
		--editable 'shared[telemetry]' --group dev
	@touch $@

$(VENV)/.installed-eval: $(VENV)/.installed evaluation/pyproject.toml
	@echo "Installing what measuring needs into $(VENV)"
	@$(PIP) --no-build-isolation --editable evaluation
	@touch $@

$(VENV)/.installed-bench: $(VENV)/.installed-dev
	@$(PIP) --group bench
	@touch $@

$(VENV)/.installed-tools: $(VENV)/.installed-dev
	@$(PIP) --group tools
	@touch $@

$(TOOLS)/.chromium:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null \
		|| apt-get install --yes --quiet --no-install-recommends chromium \
		|| { echo "Chromium is needed: install it, and try again"; exit 1; }
	@mkdir -p $(@D) && touch $@

$(TOOLS)/label-studio/.installed-$(LABEL_STUDIO):
	@echo "Installing Label Studio $(LABEL_STUDIO) into $(@D)"
	@rm -rf $(@D) && $(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check label-studio==$(LABEL_STUDIO)
	@touch $@

$(TOOLS)/doccano/.installed-$(DOCCANO):
	@echo "Installing doccano $(DOCCANO) into $(@D)"
	@rm -rf $(@D) && $(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check doccano==$(DOCCANO) 'numpy<2' 'marshmallow<4'
	@touch $@
