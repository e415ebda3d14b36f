# Every target makes the virtual environment first, so each works from a bare clone.
.DEFAULT_GOAL := help
.PHONY: help screenshots setup lock demo serve test test-processes test-rings test-next verify lint lint-deploy format bench docs reference wheel sbom audit licences clean

BIN := .venv/bin
READY := .venv/.ready
NEXT := .venv-next
PORT ?= 8000
HOST ?= 127.0.0.1
export PYTHON

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## Make .venv with the locked dependencies (PYTHON= to choose the interpreter)

$(READY): requirements/dev.txt pyproject.toml .ci/setup
	@.ci/setup
	@touch $@

demo: $(READY) ## Run a spec with a human approval from start to end, on a stack of its own
	@$(BIN)/python manage.py demo

serve: $(READY) ## Start web, worker and beat without any server to install (PORT=8000 HOST=127.0.0.1)
	@$(BIN)/python manage.py serve --host $(HOST) --port $(PORT)

# What asks no database anything, or only what others ask as well, need not ask a second one.
SAME_ANYWHERE := --ignore-glob='tests/api/test_base_*' --ignore-glob='tests/integration/test_admin_*' \
    $(addprefix --ignore=tests/api/test_,$(addsuffix .py,hostile_specs specs documented_runs client credentials oidc \
    rate_limits refusals_audited)) \
    $(addprefix --ignore=tests/integration/test_,$(addsuffix .py,agents api_page model_faults money nested_workflows \
    headers people person_command run_commands schedule_pages sign_on spec_pages webhook_admin))

test: $(READY) ## Run all tests: once on SQLite, and the rings that touch the database again on PostgreSQL
	@$(MAKE) --no-print-directory --jobs 2 test-processes test-rings

# These mostly wait, for processes that they have killed and for a browser: the other rings go on meanwhile.
test-processes: $(READY)
	$(BIN)/pytest tests/acceptance
	$(BIN)/pytest tests/browser # by themselves: Playwright keeps an event loop in the process

test-rings: $(READY)
	$(BIN)/pytest -n 2 --ignore=tests/acceptance --ignore=tests/browser
	KNEO_TEST_DATABASE=postgres $(BIN)/pytest -n 2 tests/integration tests/api $(SAME_ANYWHERE)

test-next: $(NEXT)/.ready ## Run the tests below acceptance on Python 3.13 and the newest Django, in .venv-next
	KNEO_TEST_DATABASE=sqlite $(NEXT)/bin/pytest -n 2 tests/unit tests/api tests/contract tests/integration

$(NEXT)/.ready: requirements/next.txt pyproject.toml .ci/setup
	@.ci/setup $(NEXT) requirements/next.txt 3.13
	@touch $@

verify: $(READY) ## Run the longer storms as well
	$(BIN)/pytest -m storm --timeout 3600
	KNEO_TEST_EXAMPLES=100 $(BIN)/pytest -n 2 --timeout 3600 tests/contract/test_generated_requests.py

lint: export KNEO_SERV_STATE_DIR := $(CURDIR)/.venv/lint
lint: $(READY) ## Check style, types, imports, migrations and size budgets
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports --no-logo
	$(BIN)/python manage.py makemigrations --check --dry-run
	DJANGO_SETTINGS_MODULE=kneo_project.settings $(BIN)/python -m tests.migration_lint
	$(BIN)/python -m tests.budgets
	@BIN=$(BIN) .ci/alerts

lint-deploy: .venv-deploy/.ready ## Check containers, manifests, workflows and scripts; says what could not be checked
	@.ci/lint-deploy .venv-deploy/bin

docs: .venv-docs/.ready ## Build the documentation into site/, strictly
	@.ci/docs .venv-docs/bin

SHOWN := index run run-large run-failed inbox task spec
screenshots: $(READY) ## Take the pictures of the console in docs/img (needs Chromium)
	$(BIN)/python -m tests.browser.pictures docs/img $(SHOWN)

reference: $(READY) ## Write the pages of docs/reference that are made from the code
	@$(BIN)/python -m tests.documentation.reference

wheel: $(READY) ## Build the wheel into dist/
	@rm -rf build dist/*.whl
	@$(BIN)/python -c 'from setuptools.build_meta import build_wheel; print("dist/" + build_wheel("dist"))'

sbom: .venv-audit/.ready ## Write the bill of materials of what the wheel needs, checked against the CycloneDX schema
	@mkdir -p dist
	@.venv-audit/bin/cyclonedx-py requirements requirements/base.txt --pyproject pyproject.toml --mc-type application \
	    --spec-version 1.6 --output-reproducible --validate --output-file dist/kneo-serv.cdx.json
	@echo "dist/kneo-serv.cdx.json: valid CycloneDX 1.6"

audit: .venv-audit/.ready ## Look for known vulnerabilities in what is pinned; fails where nobody can be asked
	@.ci/audit .venv-audit/bin

licences: .venv-audit/.ready $(READY) ## Check that every package has a licence of the allow list
	@.ci/licences .venv-audit/bin $(BIN)/python

# Tools in environments of their own: they and the project need not agree on versions.
.venv-%/.ready: requirements/%.txt .ci/setup
	@.ci/setup .venv-$* requirements/$*.txt 3 tools
	@touch $@

format: $(READY) ## Format the code and apply the safe fixes
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(READY) ## Measure throughput, latency, the API with a long history, and pruning it (needs PostgreSQL and RabbitMQ)
	$(BIN)/python -m tests.benchmarks
	$(BIN)/python -m tests.benchmarks.history
	$(BIN)/python -m tests.benchmarks.pruning

lock: COMPILE := uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
    --python-version 3.12
lock: ## Compile requirements/*.in to hash-pinned *.txt (needs uv)
	@$(COMPILE) --constraint requirements/lts.in requirements/base.in --output-file requirements/base.txt
	@$(COMPILE) --constraint requirements/lts.in requirements/dev.in --output-file requirements/dev.txt
	@$(COMPILE) requirements/next.in --output-file requirements/next.txt
	@for name in build deploy docs audit; do \
	    $(COMPILE) requirements/$$name.in --output-file requirements/$$name.txt; done

clean: ## Remove the virtual environments and the caches
	rm -rf .venv $(NEXT) .venv-deploy .venv-docs .venv-audit site .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist

.PHONY: corpus
corpus: $(READY) ## Compare the spec language with the published system, file by file
	@$(BIN)/python -m tests.corpus.agreement
