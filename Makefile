# One virtual environment, .venv, for everything. `make` alone lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEVELOPMENT_EXTRAS := dev,gluon,torch,export,parquet,documents,serve,ray
# The Pythons that ocrkit runs on, and those that development wants: MXNet, one of its backends, knows no newer ones.
RUNS := (3, 11) <= sys.version_info
DEVELOPS := (3, 11) <= sys.version_info < (3, 13)

# Written when an installation has finished. The development one holds all that the demo needs.
FOR_DEMO := $(VENV)/.installed-for-demo
FOR_DEVELOPMENT := $(VENV)/.installed-for-development
# There while something is being installed: whoever finds it later finds half an environment.
UNFINISHED := $(VENV)/.unfinished

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo install test trials test-packaging test-foreign peers bench lint format docs clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1 \2/p' $(MAKEFILE_LIST) | while read -r name does; do printf '  make %-16s%s\n' "$$name" "$$does"; done

demo: $(FOR_DEMO) ## install what running needs, read a page that ships with ocrkit, and score words (demo.html: the pages)
	$(BIN)/ocrkit run --pipeline iam-pages plugins/ocrkit_pagexml/sample/letter.png
	$(BIN)/ocrkit run --pipeline iam-pages --report demo.html
	$(BIN)/ocrkit run --pipeline iam-crnn

install: $(FOR_DEVELOPMENT) ## install all that development needs

# In the order of their names: the few tests that take long would all come last where files with the most tests come first.
test: $(FOR_DEVELOPMENT) ## install, and run the tests, a file at a time on every core
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder -p no:benchmark

trials: $(FOR_DEVELOPMENT) ## kill it, fill its disk, and feed it damaged files and bad servers, all that docs/trials.md lists (up to an hour)
	OCRKIT_TRIALS=2000 $(BIN)/python -m pytest tests/trials -rP

test-packaging: $(FOR_DEVELOPMENT) ## install the base and each extra into fresh environments, on the oldest and newest Python here (minutes)
	$(BIN)/python tools/try_installs.py

test-foreign: $(FOR_DEVELOPMENT) ## install programs that read ocrkit's files (kraken, OCRmyPDF and others) beside it, and have them read some
	$(BIN)/python tools/foreign_readers.py
	$(BIN)/python -m pytest tests/foreign

peers: $(FOR_DEVELOPMENT) ## install other programs that read pages (kraken, RapidOCR and others) beside it, and set all side by side (an hour; ARGS)
	$(BIN)/python -m pip install --disable-pip-version-check -q brotli
	$(BIN)/python benchmarks/peers/compare.py $(ARGS)

bench: $(FOR_DEVELOPMENT) ## measure speed on the CPU, on IAM where OCRKIT_IAM says it is; a table and a plot in benchmarks/results (minutes)
	mkdir -p benchmarks/results
	$(BIN)/python -m pytest benchmarks --device cpu --benchmark-json=benchmarks/results/cpu.json
	$(BIN)/python benchmarks/report.py benchmarks/results/cpu.json

lint: $(FOR_DEVELOPMENT) ## check style (ruff) and types (mypy)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(FOR_DEVELOPMENT) ## put the code into the form that lint expects
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(FOR_DEVELOPMENT) ## build the documentation; a warning is an error
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html
	@echo "The documentation is in docs/_build/html/index.html"

clean: ## remove .venv and everything that was built
	rm -rf $(VENV) build dist docs/_build .mypy_cache .ruff_cache .pytest_cache .hypothesis

# $(call install,WHAT,PYTHONS,WHY): makes a virtual environment where there is none, half of one, or one of another Python, and
# installs WHAT into it. WHY completes the sentence for whoever has none of these Pythons.
define install
	@$(PYTHON) -c 'import sys; $(2) or sys.exit("$(3), but $(PYTHON) is %d.%d. Try: make $(MAKECMDGOALS) PYTHON=python3.12" % sys.version_info[:2])'
	@if [ -e $(UNFINISHED) ] || ! $(BIN)/python -c 'import pip, sys; sys.exit(not $(2))' 2>/dev/null; then \
		rm -rf $(VENV) && mkdir $(VENV) && touch $(UNFINISHED) && $(PYTHON) -m venv $(VENV); fi
	@touch $(UNFINISHED)
	$(BIN)/python -m pip install --disable-pip-version-check -e '$(1)' -c constraints.txt
	@rm $(UNFINISHED)
endef

$(FOR_DEMO): pyproject.toml constraints.txt
	$(call install,.,$(RUNS),ocrkit runs on Python 3.11 and newer)
	@touch $(FOR_DEMO)

$(FOR_DEVELOPMENT): pyproject.toml constraints.txt
	$(call install,.[$(DEVELOPMENT_EXTRAS)],$(DEVELOPS),developing ocrkit takes Python 3.11 or 3.12)
	@touch $(FOR_DEMO) $(FOR_DEVELOPMENT)

# Half an environment, or one whose Python is gone, counts as none.
ifneq ($(shell $(BIN)/python -c '' 2>/dev/null && test ! -e $(UNFINISHED) && echo ready),ready)
.PHONY: $(FOR_DEMO) $(FOR_DEVELOPMENT)
endif
