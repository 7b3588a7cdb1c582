# Novation. `make localnet` and `make test` do all set-up; `make help` lists the rest.
PYTHON ?= $(shell command -v python3.12 >/dev/null 2>&1 && python3.12 -c '' 2>/dev/null && echo python3.12 || \
           (command -v python3.11 >/dev/null 2>&1 && python3.11 -c '' 2>/dev/null && echo python3.11 || echo python3))
BIN    := .venv/bin
PROTOS := $(wildcard proto/novation/*/*.proto)
ARGS   ?=

.DEFAULT_GOAL := help
.PHONY: help setup comet localnet test prove sim lint docs bench soak clean

help: ## show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: build/.venv gen/.compiled comet ## install everything into the project's own folders

build/.venv: pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 12) else \
	  f"Novation runs on Python 3.11 and 3.12 (plyvel has wheels for these); this is {v[0]}.{v[1]}: make PYTHON=python3.12 ...")'
	@echo 'installing Python packages into .venv (about a minute, once) ...'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@mkdir -p build && touch $@

gen/.compiled: build/.venv proto/generate.py node/generated.py node/comet/version.py $(PROTOS)
	$(BIN)/python proto/generate.py
	@touch $@

# Not a file, because COMETBFT may name another binary from one call to the next; it is quick when there is nothing to build.
comet: build/.venv
	@$(BIN)/python -m node.comet.install

localnet: setup ## four validators that trade; ARGS='--prices FILE.csv' replays real prices, Ctrl-C stops all
	$(BIN)/novation localnet up $(ARGS)

# First what needs no network, on all cores; then what runs several real nodes at once, alone. Both, whatever the first says.
test: setup lint ## every test but the long runs: about a quarter of an hour; ARGS='tests/unit -k margin' for some
ifeq ($(ARGS),)
	@failed=0; \
	$(BIN)/python -m pytest -m 'not localnet and not soak' -n auto --dist loadfile --no-loadscope-reorder || failed=1; \
	$(BIN)/python -m pytest -m 'localnet and not soak' || failed=1; \
	exit $$failed
else
	$(BIN)/python -m pytest $(ARGS)
endif

prove: setup ## laws of the rules, decided by z3 on their own source
	$(BIN)/python -m tests.proofs $(ARGS)

lint: setup ## style, types, layers
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

sim: setup ## a month of real prices with leveraged accounts, in one process; ARGS='--prices FILE.csv --picture FILE.png'
	$(BIN)/python -m tests.sim $(ARGS)

docs: setup ## pictures and index of rules in docs/, made anew from the code
	$(BIN)/python -m tests.docs

bench: setup ## measured figures as JSON
	$(BIN)/python -m tests.bench $(ARGS)

soak: setup ## the long runs, ten minutes of them; ARGS='--minutes 60' for more
	$(BIN)/python -m pytest -s -m soak tests/soak $(ARGS)

clean: ## remove what set-up and runs made
	rm -rf gen build .venv .localnet
