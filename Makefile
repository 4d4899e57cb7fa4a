# make demo | test | check | coverage | bench | soak: each sets up .venv first, where that is needed.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check coverage bench soak clean
.DELETE_ON_ERROR:

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("augment needs Python 3.11 or later; PYTHON=python3.12 make ... names one" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

.venv/ready-dev: .venv/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

demo: .venv/ready
	rm -rf runs/demo
	$(BIN)/augment run examples/support_intents.csv --per-label 20 --out runs/demo

# Tests wait more than they compute; files stay together, for what their tests share.
test: .venv/ready-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist loadfile

# A single licence that is none of these, or a GPL one anywhere, fails the check.
LICENCES := MIT;BSD;Apache;ISC;PSF;Python Software Foundation;MPL-2.0;Mozilla Public License 2.0;Unlicense;Zlib;0BSD;Public Domain

check: .venv/ready-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/pip-licenses --from=mixed --partial-match --allow-only='$(LICENCES)' --ignore-packages augment-corpora > .venv/licences.txt || { cat .venv/licences.txt; exit 1; }

coverage: .venv/ready-dev
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

bench: .venv/ready-dev
	$(BIN)/python benchmarks/rendering.py
	$(BIN)/python benchmarks/throughput.py
	$(BIN)/python benchmarks/embedding.py
	$(BIN)/python benchmarks/labelling.py
	$(BIN)/python benchmarks/grounding.py
	$(BIN)/python benchmarks/in_process.py
	$(BIN)/python benchmarks/planted.py labels
	$(BIN)/python benchmarks/planted.py faults
	$(BIN)/python benchmarks/filters.py all
	$(BIN)/python benchmarks/bundled.py

soak: .venv/ready-dev
	AUGMENT_SOAK=1 $(BIN)/python -m pytest

clean:
	rm -rf .venv runs build *.egg-info
