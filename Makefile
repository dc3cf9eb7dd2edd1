# make run · make test · and what else a day needs.
PYTHON ?= python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PEERS := $(VENV)/peers/.ready
JOBS ?= 3
PYTEST_ARGS ?=
CHAOS_ARGS ?=
# Compiled modules are kept, whatever the shell says: otherwise each of the many processes that the
# targets start would compile everything anew.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help run test lint types checks bench chaos demo shell requirements messages clean

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

$(READY): requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Homeroom needs Python 3.11 or newer; set PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements/dev.txt
	@touch $@

# Message catalogues are compiled from their sources, not kept.
MESSAGES := $(patsubst %.po,%.mo,$(wildcard locale/*/LC_MESSAGES/django.po))
locale/%.mo: locale/%.po $(READY)
	@$(BIN)/pybabel --quiet compile --input-file $< --output-file $@.new && mv $@.new $@

run: $(READY) $(MESSAGES) ## everything on this machine, with two demo schools (PORT=8000)
	@$(BIN)/python -m config.run --port $(PORT)

test: lint $(MESSAGES) ## lint, types, import rules, migrations, and the whole suite
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup $(PYTEST_ARGS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	@$(MAKE) --no-print-directory --jobs=2 --output-sync types checks

types: $(READY)
	$(BIN)/mypy apps kernel config

checks: $(READY)
	$(BIN)/python -m config.lint

bench: $(READY) $(PEERS) ## figures beside their peers, into benchmarks/results.json
	$(BIN)/python -m benchmarks

# Peers that nothing else needs. Figures beside one that cannot be had are skipped.
$(PEERS): requirements/bench.txt $(READY)
	@$(PYTHON) -m venv $(VENV)/peers
	@$(VENV)/peers/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements/bench.txt && touch $@ \
	  || { rm -rf $(VENV)/peers; echo "The peers of requirements/bench.txt cannot be installed: figures beside them are skipped."; }

chaos: $(READY) ## kill workers, writers and servers at random; count what is lost (none may be)
	$(BIN)/python -m chaos $(CHAOS_ARGS)

demo: $(READY) $(MESSAGES) ## the demo schools, without starting the platform
	@$(BIN)/python manage.py prepare_database -v 0
	@$(BIN)/python manage.py migrate_schools -v 0
	@$(BIN)/python -m config.demo

shell: $(READY) ## a Django shell on the embedded servers
	@$(BIN)/python manage.py shell

requirements: $(READY) ## compile requirements/*.in, with hashes
	cd requirements && for name in base dev prod bench; do \
	  ../$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links --output-file $$name.txt $$name.in; done

messages: $(READY) ## collect texts to translate (needs gettext)
	$(BIN)/python manage.py makemessages --locale es --no-location --no-wrap --no-obsolete --ignore .venv --ignore data

clean: ## remove the environment and the embedded servers' data
	rm -rf $(VENV) data .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
