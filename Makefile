PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## virtual environment with pinned dependencies; nothing system-wide

$(STAMP): pyproject.toml constraints.txt no-deps.txt Makefile
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "Ragloop needs Python 3.11 to 3.13: make PYTHON=python3.11 …"; exit 1; }
	$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
	  { echo "$(PYTHON) lacks ensurepip: install the package python3-venv (Debian, Ubuntu)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt "pip>=25.1" setuptools
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --editable ".[all]" --group dev
	$(BIN)/python -m pip install --quiet --no-compile --no-deps --requirement no-deps.txt
	touch $@

weights: setup ## pull the weights that demo and tests use
	$(BIN)/ragloop models pull minilm smollm2

demo: weights ## the whole loop on the sample filings
	$(BIN)/ragloop demo $(ARGS)

TEST_PROCESSES ?= 2
test: check weights ## linters, types, import contracts and all tests
	$(BIN)/python -m pytest --numprocesses $(TEST_PROCESSES) --dist loadfile $(ARGS)

check: setup audit sbom ## linters, types, import contracts, audit of the dependencies
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/reference.py --check

audit: setup ## known vulnerabilities of the pinned dependencies
	$(BIN)/python ops/audit.py constraints.txt no-deps.txt

sbom: setup ## software bill of materials of the environment, in sbom.json
	$(BIN)/cyclonedx-py environment $(BIN)/python --pyproject pyproject.toml --no-validate \
	  --output-reproducible --output-file sbom.json

reference: setup ## write docs/cli.md, docs/api.md and docs/settings.md from the code
	$(BIN)/python docs/reference.py

FILINGS ?= ../shared/filings/pdfs
bench-ingest: weights ## reading PDFs against unstructured's fast strategy; FILINGS=folder
	$(BIN)/ragloop bench ingest $(FILINGS) $(ARGS)

bench-memory: weights ## peak memory of ingesting FILINGS, and seconds of doing so again
	$(BIN)/ragloop bench memory $(FILINGS) $(ARGS)

QUESTIONS ?= ../shared/filings/questions
bench-finetune: weights ## base, published recipe and ours through Redis; FILINGS=, QUESTIONS=
	$(BIN)/ragloop bench finetune $(FILINGS) --accumulation 16 --accumulation 1 \
	  $(if $(QUESTIONS),--dataset $(QUESTIONS) --split dev) $(ARGS)

bench-training: setup ## pairs a second in training, against the plain trainer; for a GPU
	$(BIN)/ragloop bench training $(ARGS)

bench-encoder: weights ## encoding chunks against plain float32 encode; FILINGS=
	$(BIN)/ragloop bench encoder $(FILINGS) --shape 12x768 $(ARGS)

bench-gpu: setup ## share of a GPU's matrix rate in encoding, beside plain encode; needs CUDA
	$(BIN)/ragloop bench gpu --compile $(ARGS)

bench-swap: weights ## searches all the time while the model is swapped; ARGS=folders of filings
	$(BIN)/ragloop bench swap $(ARGS)

bench-reindex: weights ## reindex against the encoder alone, and its memory; ARGS=filings
	$(BIN)/ragloop bench reindex $(ARGS)

bench-growth: weights ## rates, latency, recall and memory up to 300,000 chunks; ARGS=filings
	$(BIN)/ragloop bench growth $(ARGS)

bench-ray: weights ## the engine ray against the local one, as many workers; ARGS=filings
	$(BIN)/ragloop bench ray $(ARGS)

bench-retrieval: weights ## stages of a search, base and trained model; FILINGS=, QUESTIONS=
	$(BIN)/ragloop bench retrieval $(FILINGS) --dataset $(QUESTIONS) --split dev $(ARGS)

bench-answers: weights ## answers grounded, right and truly quoted; FILINGS=, QUESTIONS=
	$(BIN)/ragloop bench answers $(FILINGS) --dataset $(QUESTIONS) --split dev $(ARGS)

bench-service: weights ## latency and throughput of the service; ARGS=folders of filings
	$(BIN)/ragloop bench service $(ARGS)

bench-soak: weights ## half an hour of all requests and jobs at once; ARGS=folders of filings
	$(BIN)/ragloop bench soak $(ARGS)

bench-plan: weights ## plans against real runs of three sizes; FILINGS=
	$(BIN)/ragloop bench plan $(FILINGS) $(ARGS)

bench: weights ## all benchmarks, and one table in var/bench.md; FILINGS=, QUESTIONS=, ARGS=--quick
	$(BIN)/ragloop bench all $(FILINGS) $(if $(QUESTIONS),--dataset $(QUESTIONS) --split dev) $(ARGS)

serve: weights ## the service on the demo's home
	RAGLOOP_HOME=$${RAGLOOP_HOME:-var/demo} $(BIN)/ragloop serve $(ARGS)

clean: ## remove the virtual environment and caches, not the data in var/
	rm -rf $(VENV) build dist sbom.json *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

.PHONY: $(shell awk -F: '/^[a-z-]+:.*## / {print $$1}' $(MAKEFILE_LIST))
