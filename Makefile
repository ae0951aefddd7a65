# Every target with a line of help; `make help` prints them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.complete
OUT ?= demo-out

.DEFAULT_GOAL := help

.PHONY: help
help: ## list what make can do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(STAMP) ## set everything up in .venv (needs python3 >= 3.11 with venv)

$(STAMP): requirements.lock pyproject.toml testing/pyproject.toml
	@$(PYTHON) testing/check_python.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e . -e ./testing
	@touch $(STAMP)

.PHONY: demo
demo: $(STAMP) ## the whole way on real footage, and what a warrant served on the relay would get
	@rm -rf $(OUT)
	$(BIN)/sealbell demo --once --out $(OUT) --press 48 --footage tests/footage/*.mp4 tests/footage/*.avi

.PHONY: test
test: $(STAMP) tools ## all tests but the long ones
	$(BIN)/python -m pytest

.PHONY: tools
tools: ## install the other programs that the tests compare with (age, mosquitto, ssh-keygen, node)
	@sh testing/install-tools.sh

.PHONY: lint
lint: $(STAMP) ## types, style and import rules
	$(BIN)/ruff check --no-cache
	$(BIN)/ruff format --no-cache --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

.PHONY: fuzz
fuzz: $(STAMP) ## feed every parser for longer (SECONDS=60 each)
	$(BIN)/python tests/fuzz/run.py --seconds $(or $(SECONDS),60)

.PHONY: soak
soak: $(STAMP) ## 1,000 kills, an hour of simulated outage and the like; keeps its output in docs/soak.txt
	$(BIN)/python -m pytest -m soak --override-ini timeout=7200 -s 2>&1 | tee docs/soak.txt

.PHONY: bench
bench: $(STAMP) ## measure, as ratios, into bench/results.json
	$(BIN)/python bench/run.py

.PHONY: vectors
vectors: $(STAMP) ## make wire/vectors anew; a difference is a change of the protocol
	$(BIN)/python wire/vectors/make.py

.PHONY: pictures
pictures: $(STAMP) ## draw the pictures of README and docs anew
	$(BIN)/python docs/pictures/draw.py

.PHONY: lock
lock: $(STAMP) ## choose the newest allowed dependencies (uv), with hashes and without addresses
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
	  --all-extras --upgrade --custom-compile-command "make lock" pyproject.toml -o requirements.lock

.PHONY: clean
clean: ## remove what make made
	rm -rf $(VENV) $(OUT) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache tests/interop/node_modules
