# Everything here sets itself up: it needs a Python of at least 3.11 with venv, git, and a package index for pip.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
ifndef SIDE_BY_SIDE
.NOTPARALLEL:
endif
MAKEFLAGS += --no-print-directory

# pyenv leaves commands that exist and do not start, so each candidate has to prove itself
MODERN := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
ifndef PYTHON
PYTHON := $(firstword $(foreach p,python3.13 python3.12 python3.11 python3,\
            $(shell $(p) -c '$(MODERN)' >/dev/null 2>&1 && echo $(p) || true)))
endif

# the caller's Ansible, libpq and Molecule settings must not steer what is tested; PGSAFE_* are ours
STRANGERS := $(filter-out PGSAFE_%,$(filter ANSIBLE_% PG% MOLECULE_%,$(.VARIABLES)))
$(foreach v,$(STRANGERS) PYTHONPATH PYTHONHOME,$(eval unexport $(v)))

VENV := $(CURDIR)/.venv
TEST := $(VENV)/test/bin
BUILD := $(CURDIR)/build
TREE := $(BUILD)/ansible_collections/pgsafe/migration
export ANSIBLE_COLLECTIONS_PATH = $(BUILD)
export ANSIBLE_HOME = $(BUILD)/ansible-home
export PYTHONDONTWRITEBYTECODE = 1

heading = @printf '\n== %s ==\n' '$(1)'

.PHONY: help
help: ## Show this text
	@echo "pgsafe.migration: backups that are proven before anything is changed."
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: python
python:
	@if [[ -z "$(PYTHON)" ]] || ! "$(PYTHON)" -c '$(MODERN)' 2>/dev/null; then \
	    echo "This needs Python 3.11 or later with venv (Debian: python3-venv)." >&2; \
	    echo "Found: '$(PYTHON)'. Name another one: make PYTHON=/path/to/python3.12 ..." >&2; \
	    exit 1; \
	fi

.PHONY: venv-demo venv-test venv-benchmark
venv-demo venv-test venv-benchmark: venv-%: python
	@"$(PYTHON)" tools/environments.py $*

.PHONY: controllers
controllers: venv-test
	@$(TEST)/python tools/controllers.py

.PHONY: demo
demo: venv-demo ## Migrate the sample database; all goes well
	@$(VENV)/demo/bin/python tools/demo.py run --set good

.PHONY: demo-failure
demo-failure: venv-demo ## Migrate it with a broken migration; it is rolled back
	@$(VENV)/demo/bin/python tools/demo.py run --set broken

.PHONY: demo-fleet
demo-fleet: venv-demo ## Migrate two databases of staging, then two of production
	@$(VENV)/demo/bin/python tools/demo.py fleet

.PHONY: demo-clean
demo-clean: python ## Stop the demonstration's server and remove .demo/
	@"$(PYTHON)" tools/demo.py clean

.PHONY: test
test: ## Run every check
# each keeps one core busy, so two run at a time; make prints the output of each when it ends
	@$(MAKE) --jobs=2 --output-sync=target SIDE_BY_SIDE=1 lint sanity unit controllers molecule build
	@$(MAKE) server
	$(call heading,What was tried)
	@$(TEST)/python tools/summary.py --sanity 2.19

.PHONY: tree
tree: python ## Copy the collection to build/, where it is tested
	@"$(PYTHON)" tools/collection_tree.py

.PHONY: lint
lint: venv-test tree ## Check style, types and metadata
	$(call heading,lint)
	@cd $(TREE); $(TEST)/ruff check --quiet .
	@cd $(BUILD); $(TEST)/mypy --config-file $(TREE)/pyproject.toml --no-error-summary \
	    $(addprefix $(TREE)/,$(wildcard plugins/module_utils tests/unit tests/server tests/exhaustive molecule) tools)
	@cd $(TREE); $(TEST)/yamllint --strict .
	@cd $(TREE); PATH="$(TEST):$$PATH" $(TEST)/ansible-lint --nocolor -q
	@cd $(TREE); $(TEST)/antsibull-changelog lint
# make test does not run these: does each of them find its fixtures?
	@cd $(TREE); planned=$$(PATH="$(TEST):$$PATH" $(TEST)/python -m pytest tests/exhaustive --setup-plan -q) || \
	    { echo "$$planned"; exit 1; }

.PHONY: unit
unit: venv-test tree ## Test single functions
	$(call heading,unit tests)
	@cd $(TREE); PATH="$(TEST):$$PATH" $(TEST)/python -m pytest tests/unit -q

.PHONY: server
server: controllers tree ## Test on real PostgreSQL servers
	$(call heading,tests on PostgreSQL servers)
	@cd $(TREE); PATH="$(TEST):$$PATH" $(TEST)/python -m pytest tests/server -m 'not long' -q --numprocesses 3 --dist worksteal

# PGSAFE_SEED=… draws the same cases again, PGSAFE_CASES=… more or fewer of them; EXHAUSTIVE=… runs single files;
# PGSAFE_MATRIX=whole interrupts plays of every setting in every phase, which takes hours
EXHAUSTIVE ?= tests/exhaustive
.PHONY: test-exhaustive
test-exhaustive: controllers tree ## Try hundreds of random cases, and the longest plays (PGSAFE_SEED=, PGSAFE_CASES=)
	$(call heading,exhaustive tests)
	@cd $(TREE); PATH="$(TEST):$$PATH" $(TEST)/python -m pytest $(EXHAUSTIVE) -q --numprocesses 2 --dist worksteal
ifeq ($(EXHAUSTIVE),tests/exhaustive)
	@cd $(TREE); PATH="$(TEST):$$PATH" $(TEST)/python -m pytest tests/server -m long -q --numprocesses 2 --dist worksteal
endif

.PHONY: molecule
molecule: venv-test tree ## Test the role in Molecule's scenarios
	$(call heading,Molecule)
	@cd $(TREE); PATH="$(TEST):$$PATH" $(TEST)/molecule test --all

# outside of molecule/*, where `molecule test --all` looks: it needs root, podman, and a Debian mirror
# make test-fleet FLEET_SCENARIOS='-s rollback'
FLEET_SCENARIOS ?= --all
.PHONY: test-fleet
test-fleet: venv-test tree ## Migrate real hosts in containers: a fleet, a failed batch, a killed controller
	$(call heading,hosts in containers)
	@mkdir -p "$(BUILD)"; export CONTAINERS_CONF="$(TREE)/molecule/hosts/containers.conf"; cd $(TREE); \
	$(TEST)/python tools/host_images.py >"$(BUILD)/host_images.json"; \
	MOLECULE_GLOB='molecule/hosts/*/molecule.yml' PATH="$(TEST):$$PATH" $(TEST)/molecule test $(FLEET_SCENARIOS)

# make sanity SANITY_ARGS='--test validate-modules plugins/modules/pg_backup.py'
SANITY_CORE ?= 2.19
.PHONY: sanity
sanity: tree ## Run ansible-test sanity (SANITY_CORE=2.16 for the oldest, 2.21 for the newest)
	$(call heading,ansible-test sanity with ansible-core $(SANITY_CORE))
	@"$(PYTHON)" tools/sanity.py --core $(SANITY_CORE) $(SANITY_ARGS)

.PHONY: docs
docs: python tree ## Write the tables of the documentation from the code
	@PYTHONPATH="$(BUILD)" "$(PYTHON)" tools/rules_page.py

.PHONY: recordings
recordings: venv-demo ## Record the console of three runs for docs/console.md anew
	@$(VENV)/demo/bin/python tools/recordings.py

.PHONY: build
build: venv-test tree ## Build the tarball, install it, read every module's page
	$(call heading,tarball)
	@$(TEST)/python tools/collection_tree.py --pack

.PHONY: benchmark
benchmark: venv-benchmark ## Compare the backup with the usual ways (BENCHMARK_ARGS='--url postgresql://…')
	@PATH="$(VENV)/benchmark/bin:$$PATH" $(VENV)/benchmark/bin/python tools/benchmark.py --gate $(BENCHMARK_ARGS)

.PHONY: benchmark-restore
benchmark-restore: venv-demo ## Compare the restore with a bare pg_restore (RESTORE_ARGS='--sizes 0.1')
	@PATH="$(VENV)/demo/bin:$$PATH" $(VENV)/demo/bin/python tools/restore_benchmark.py $(RESTORE_ARGS)

.PHONY: benchmark-recovery
benchmark-recovery: venv-demo ## Measure each emergency, one table against a bare pg_restore (RECOVERY_ARGS='--sizes 0.1')
	@PATH="$(VENV)/demo/bin:$$PATH" $(VENV)/demo/bin/python tools/recovery_benchmark.py --gate $(RECOVERY_ARGS)

.PHONY: benchmark-availability
benchmark-availability: venv-demo ## Compare how long nobody can write or is served, by fence (AVAILABILITY_ARGS='--sizes 0.1')
	@PATH="$(VENV)/demo/bin:$$PATH" $(VENV)/demo/bin/python tools/availability_benchmark.py --gate $(AVAILABILITY_ARGS)

.PHONY: benchmark-history
benchmark-history: venv-demo tree ## Compare planning with 300 files and with 5
	@PATH="$(VENV)/demo/bin:$$PATH" $(VENV)/demo/bin/python tools/history_benchmark.py --gate $(HISTORY_ARGS)

.PHONY: benchmark-fleet
benchmark-fleet: venv-demo ## Compare plays over many databases with single runs (FLEET_ARGS='--plays 10x5')
	@PATH="$(VENV)/demo/bin:$$PATH" $(VENV)/demo/bin/python tools/fleet_benchmark.py --gate $(FLEET_ARGS)

.PHONY: clean
clean: demo-clean ## Remove everything that make has made
	@rm -rf "$(VENV)" "$(BUILD)"
