# Targets with a `##` are listed by `make help`.

STUDY  ?= studies/diabetes.toml
TRIALS ?=
TRIAL  ?=
SET    ?=
PORT   ?= 5000
DATA   ?=
NAME   ?=
PYTHON ?= python3

VENV   := .venv
BOUNDS := .venv-bounds
# the lowest and the newest MLflow whose tables search/tracking/writers/tables.py knows; `make test` takes the installed one
MLFLOWS := 3.17.0 3.18.0
BIN    := $(VENV)/bin
SEARCH := $(BIN)/bpsearch
# a stamp for what a user needs, one for what a developer needs on top, one for what searches are compared with, one for the service,
# one for the site
READY  := $(VENV)/.ready
DEV    := $(VENV)/.dev
PEERS  := $(VENV)/.peers
SERVES := $(VENV)/.serves
PAGES  := $(VENV)/.pages

# two processes of tests on two cores: with more threads each, they would wait for one another
ONE_THREAD := OMP_NUM_THREADS=1

# one argument for the shell, whatever quotes and brackets are in it
quoted = '$(subst ','\'',$(1))'

.DEFAULT_GOAL := help
.PHONY: help setup tune grid random cv diagnose list report ui serve test test-slow test-cluster test-bounds test-mlflow fuzz check audit format lint types docs site pictures article bench bench-card bench-penalties bench-search bench-scale bench-service bench-stability bench-tracking clean

help:  ## list the targets
	@echo "make TARGET [STUDY=studies/x.toml]"
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */\1\t/' | while IFS="$$(printf '\t')" read -r name text; do \
		printf '  %-15s %s\n' "$$name" "$$text"; done

setup: $(READY)  ## create the environment in .venv and compile the training loop

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: $(PYTHON) is older than Python 3.11; name another with PYTHON=…"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	$(BIN)/python -m bpmodel
	@touch $@

$(DEV): $(READY) pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group dev
	@touch $@

$(PEERS): $(READY) pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group bench
	@touch $@

$(SERVES): $(READY) pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[service]'
	@touch $@

$(PAGES): $(READY) pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group site
	@touch $@

tune: $(READY)  ## run a study, or go on with it (TRIALS=n for another budget)
	@$(SEARCH) tune $(STUDY) $(if $(TRIALS),--trials $(TRIALS))

grid: $(READY)  ## the same space on a grid
	@$(SEARCH) tune $(STUDY) --method grid

random: $(READY)  ## the same space by random search
	@$(SEARCH) tune $(STUDY) --method random $(if $(TRIALS),--trials $(TRIALS))

cv: $(READY)  ## cross-validate one configuration (SET="alpha=1 activation=tanh")
	@$(SEARCH) cv $(STUDY) $(if $(SET),--set $(call quoted,$(SET)))

diagnose: $(READY)  ## say why a configuration goes wrong (TRIAL=n, SET="alpha=1")
	@$(SEARCH) diagnose $(STUDY) $(if $(TRIAL),--trial $(TRIAL)) $(if $(SET),--set $(call quoted,$(SET)))

list: $(READY)  ## list the studies and their models
	@$(SEARCH) list

report: $(READY)  ## write the report on a study as one HTML page (NAME=diabetes)
	@$(SEARCH) report $(or $(NAME),$(STUDY))

ui: $(READY)  ## open the MLflow UI on 127.0.0.1 (PORT=5000)
	@$(SEARCH) ui --port $(PORT)

serve: $(SERVES)  ## run the studies that are queued with bpsearch submit
	@$(SEARCH) serve

test: $(DEV)  ## run the tests, but those that take long
	$(ONE_THREAD) $(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"

test-slow: $(DEV)  ## run the tests that start, kill, install or compile whole programs, or run many studies
	$(ONE_THREAD) $(BIN)/python -m pytest -n 2 --dist loadfile -m "slow and not cluster"

test-cluster: $(DEV)  ## run the tests of schedulers, workers, databases and services together, about 4 minutes
	$(ONE_THREAD) $(BIN)/python -m pytest -m cluster

test-bounds:  ## run the tests with the lowest versions that pyproject.toml allows, in .venv-bounds
	$(PYTHON) -m venv $(BOUNDS)
	$(BOUNDS)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade pip uv
	$(BOUNDS)/bin/uv pip compile --quiet --upgrade --resolution lowest-direct --python $(BOUNDS)/bin/python --group dev pyproject.toml --output-file $(BOUNDS)/lowest.txt
	$(BOUNDS)/bin/uv pip install --quiet --python $(BOUNDS)/bin/python --requirement $(BOUNDS)/lowest.txt
	$(BOUNDS)/bin/uv pip install --quiet --python $(BOUNDS)/bin/python --no-deps --editable .
	$(BOUNDS)/bin/python -m pytest -n 2

test-mlflow: $(DEV)  ## compare both ways to write a study, row by row, on the lowest and the newest MLflow, in .mlflow
	@for version in $(MLFLOWS); do \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --upgrade --target .mlflow/$$version mlflow==$$version || exit; \
		echo "MLflow $$version"; \
		$(ONE_THREAD) PYTHONPATH=.mlflow/$$version $(BIN)/python -W ignore -m pytest -q -n 0 -W ignore tests/search/tracking/test_sqlite.py || exit; \
	done

fuzz: $(DEV)  ## try to break it: mutated study files, tables and fits with a fixed seed, hours (NAME=target for one)
	$(ONE_THREAD) $(BIN)/python -m tests.fuzz $(NAME)

check: format lint types test test-slow  ## format, lint, types, tests: what CI runs

audit: $(DEV)  ## look for known advisories on the installed packages, where the network allows
	@.ci/audit $(BIN)/python

format: $(DEV)
	$(BIN)/ruff format --check .

lint: $(DEV)
	$(BIN)/ruff check .

types: $(DEV)
	$(BIN)/mypy

docs: $(READY)  ## write what follows from the tables of options: docs/networks.md, docs/studies.md, *.pyi
	@$(BIN)/python -m docs.tables

site: $(PAGES)  ## make a site of docs/ in site/, to read without a network; broken links are errors
	@$(BIN)/python -m docs.website

pictures: $(READY)  ## make the pictures of docs/plots.md, about a minute
	@$(BIN)/python -m docs.pictures

article: $(READY)  ## measure anew what docs/exploding_gradients.md shows, one to two minutes
	@$(BIN)/python -m docs.article

bench: $(READY)  ## time and weigh everything against scikit-learn's MLP and PyTorch, about 10 minutes (DATA=folder for more)
	@$(BIN)/python -m benchmarks $(if $(DATA),--data $(DATA))

bench-card: $(READY)  ## the defaults against other models' defaults (DATA=folder of data sets)
	@$(BIN)/python -m benchmarks.model_card $(if $(DATA),--data $(DATA))

bench-penalties: $(READY)  ## what the sampler should be told of diverged trials, about 15 minutes
	@$(BIN)/python -m benchmarks.penalties

bench-search: $(PEERS)  ## other searches over the same space, hours for all sets and seeds (DATA=folder of data sets)
	@$(BIN)/python -m benchmarks.search $(if $(DATA),--data $(DATA))

bench-tracking: $(READY)  ## what tracking costs a search, with a database and with a server, about 10 minutes
	@$(BIN)/python -m benchmarks.tracking

bench-scale: $(SERVES)  ## what a cluster can do: measured with few workers, far ones too, modelled with many, about 9 minutes
	@$(BIN)/python -m benchmarks.scale
	@$(BIN)/python -m benchmarks.scale.far

bench-service: $(SERVES)  ## what the service costs: the way to its workers, its queue, long studies, about 3 minutes
	@$(BIN)/python -m benchmarks.service

bench-stability: $(READY)  ## how well trouble in training is noticed, explained and repaired, about 5 minutes
	@$(BIN)/python -m benchmarks.stability

clean:  ## remove the environment and all caches; studies and mlruns stay
	rm -rf $(VENV) $(BOUNDS) .mlflow build site *.egg-info .mypy_cache .ruff_cache .hypothesis .pytest_cache
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
