# Every target with a line of help; `make help` prints them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.complete
OUT ?= demo-out
SHELL := bash
.SHELLFLAGS := -o pipefail -c

.DEFAULT_GOAL := help

.PHONY: help
help: ## list what make can do
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

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

.PHONY: test-boot
test-boot: $(STAMP) ## build the package, boot it in a container as root, and see what it promises there
	@sh testing/install-boot-tools.sh
	$(BIN)/python -m pytest -m boot --override-ini timeout=1200 -s tests/boot

.PHONY: test-arm64
test-arm64: $(STAMP) ## the same package on arm64, emulated: install, demo, ten power cuts (slow); keeps docs/arm64.txt
	@sh testing/install-boot-tools.sh arm64
	$(BIN)/python -m pytest -m arm64 --override-ini timeout=7200 -s tests/boot 2>&1 | tee docs/arm64.txt

# picamera2, lgpio and the numpy and libav that they go with are the system's alone, so this environment sees those too.
PI := build/pi

.PHONY: test-pi
test-pi: ## on a Raspberry Pi: the contracts of camera and panel on the real ones
	@$(PYTHON) testing/check_python.py
	$(PYTHON) -m venv --system-site-packages $(PI)
	$(PI)/bin/python -m pip install --quiet --require-hashes -r requirements.lock
	$(PI)/bin/python -m pip uninstall --quiet --yes numpy av
	$(PI)/bin/python -m pip install --quiet --no-deps --no-build-isolation -e . -e ./testing
	SEALBELL_REAL_CAMERA=1 SEALBELL_REAL_PANEL=1 $(PI)/bin/python -m pytest tests/contract/test_camera.py \
	  tests/contract/test_picamera2_surface.py tests/contract/test_panel.py

.PHONY: deb
deb: $(STAMP) ## build the Debian package into dist/ (ARCH=arm64, VERSION=X)
	$(BIN)/python packaging/deb.py $(if $(ARCH),--arch $(ARCH)) $(if $(VERSION),--version $(VERSION))

.PHONY: image-config
image-config: $(STAMP) ## write what a card needs at its first start into build/card (OPTIONS="--ssh-key FILE ...")
	$(BIN)/python packaging/image_config.py $(OPTIONS)

.PHONY: fuzz
fuzz: $(STAMP) ## feed every parser for longer (SECONDS=60 each)
	$(BIN)/python tests/fuzz/run.py --seconds $(or $(SECONDS),60)

.PHONY: soak
soak: $(STAMP) ## 1,000 kills, an hour of simulated outage and the like; keeps its output in docs/soak.txt
	$(BIN)/python -m pytest -m soak --override-ini timeout=7200 -s 2>&1 | tee docs/soak.txt

.PHONY: chaos
chaos: $(STAMP) tools ## ten minutes of kills and cuts of brokers, relays, a bucket and 20 doorbells, as root (SEED=N)
	$(BIN)/python -m pytest -m chaos --override-ini timeout=7200 -s tests/chaos

.PHONY: bench-relay
bench-relay: $(STAMP) ## measure the relay, as ratios and by how cost grows, into bench/relay.json
	PYTHONPATH=tests $(BIN)/python bench/relay.py

.PHONY: shape
shape: $(STAMP) ## what shape tells: record more than 200 clips and try to tell rings from motion, into bench/shape.json
	$(BIN)/python bench/shape.py

.PHONY: bench
bench: $(STAMP) ## measure, as ratios, into bench/results.json
	$(BIN)/python bench/run.py

.PHONY: vectors
vectors: $(STAMP) ## make wire/vectors anew; a difference is a change of the protocol
	$(BIN)/python wire/vectors/make.py

.PHONY: pictures
pictures: $(STAMP) ## draw the pictures of README and docs anew
	$(BIN)/python docs/pictures/draw.py

.PHONY: docs-config
docs-config: $(STAMP) ## write the page of the settings, and the package's file, from their declaration
	$(BIN)/python docs/write_configuration.py

.PHONY: docs-api
docs-api: $(STAMP) ## write the tables of docs/api.md from docs/openapi.json
	$(BIN)/python docs/write_api.py

.PHONY: docs-scale
docs-scale: $(STAMP) ## reckon docs/scale.md anew from bench/relay.json
	$(BIN)/python docs/write_scale.py

.PHONY: wiring
wiring: $(STAMP) ## draw hardware/wiring.svg from the pin table
	$(BIN)/python hardware/draw_wiring.py

.PHONY: case
case: $(STAMP) ## render the case's parts and its picture (needs openscad and xvfb)
	$(BIN)/python hardware/render_case.py

.PHONY: lock
lock: $(STAMP) ## choose the newest allowed dependencies (uv), with hashes and without addresses
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
	  --all-extras --upgrade --custom-compile-command "make lock" pyproject.toml -o requirements.lock

.PHONY: clean
clean: ## remove what make made
	rm -rf $(VENV) $(OUT) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache tests/interop/node_modules
