# Thin targets over plain commands. `make help` lists them; what they run is in tools/.

# A stack of stacks/; `local` is this machine.
STACK ?= local
# A folder with docs/ and, if there is one, questions.jsonl.
CORPUS ?=
# A question for `make ask`.
Q ?=
# A service of the local cloud, for `make logs`.
SERVICE ?=
# A pull request's number.
PR ?=
# 1 makes a pull request's stack, or sweeps it, on a local cloud of its own.
REHEARSAL ?=
# Config values that a rehearsal replaces: SET="trainingNumTrainEpochs=1 …".
SET ?=
# The name of a protected stack, to say that its removal is meant.
CONSENT ?=
# 1 updates a stack in the cloud without asking, for jobs.
YES ?=
# For jobs: of an environment (dev, prod, pr), which role (preview, deploy) of which account.
ENVIRONMENT ?=
ROLE ?=
ACCOUNT_ID ?=
# For jobs: what is told on GitHub; a version is that of a release.
FILE ?=
FOLDER ?=
STACKS ?=
COMMIT ?=
TITLE ?=
CLOSE ?=
VERSION ?=
# The time to go by, in ISO 8601, for `make sweep` and `make night`; empty is now.
NOW ?=
# 1 leaves a rehearsal up, however it ended.
KEEP ?=
# 1 rehearses the whole life of prod, which is previewed only by default.
WHOLE ?=
# What a change is compared with: a branch, tag or commit; where main was left by default.
BASE ?=
# A file that a comment or report is written to as well.
OUTPUT ?=
# JSON=1: for machines, for `make cost`, `make preflight` and `make changed-stacks`.
JSON ?=
# More arguments for pytest, for `make test`.
ARGS ?=
# Any Python from 3.11 on.
NEW_ENOUGH = import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c '$(NEW_ENOUGH)' 2>/dev/null && echo $$p && exit; done; echo python3)

# Whatever the shell says: without bytecode every process compiles what it imports, and there are
# dozens of them. Importing sentence-transformers then takes three times the CPU time.
export PYTHONDONTWRITEBYTECODE =
# Exported, and read by the shell: a question may have quotes, dollars and semicolons in it.
export CUSTOMRAG_MAKE_Q := $(value Q)
export CUSTOMRAG_MAKE_CORPUS := $(value CORPUS)
# In the shell's place: whoever ends make ends this, and not a shell alone.
TOOLS = exec $(PYTHON) -m tools
ON_STACK = --stack "$(STACK)" --corpus "$$CUSTOMRAG_MAKE_CORPUS"

.DEFAULT_GOAL := help
.PHONY: help setup up preview ask open token eval env status logs down test policy preflight cost preview-comment changed-stacks drift fmt lint rehearse leaks pr-up pr-down sweep night \
	sign-in workflows release release-notes post-comments post-report post-release

##@ On this machine; with STACK=dev, in the cloud

up:  ## Set up and bring up everything; CORPUS=DIR: your documents
	@$(TOOLS) up $(ON_STACK) $(if $(YES),--yes)

preview:  ## Show what `make up` would change
	@$(TOOLS) preview $(ON_STACK)

ask:  ## Ask the chat application: make ask Q="…"
	@$(TOOLS) ask --stack "$(STACK)" --question "$$CUSTOMRAG_MAKE_Q"

open:  ## Print a link to the chat page that signs you in
	@$(TOOLS) open --stack "$(STACK)"

token:  ## Print a token of the local issuer, for the edge
	@$(TOOLS) token --stack "$(STACK)"

eval:  ## Measure retrieval on a corpus with questions: CORPUS=DIR
	@$(TOOLS) eval --corpus "$$CUSTOMRAG_MAKE_CORPUS"

status:  ## Show the local cloud's services and the stack's outputs
	@$(TOOLS) status --stack "$(STACK)"

logs:  ## Show what the local cloud wrote last; SERVICE=NAME for one
	@$(TOOLS) logs --stack "$(STACK)" --service "$(SERVICE)"

down:  ## Remove the stack; of the local one, everything but caches
	@$(TOOLS) down --stack "$(STACK)" --consent "$(CONSENT)"

env:  ## Print what a shell needs for plain pulumi commands, to eval
	@$(TOOLS) env --stack "$(STACK)"

##@ A stack of the cloud: STACK=dev

rehearse:  ## Bring a cloud stack up on the local cloud, and down: STACK=dev
	@$(TOOLS) rehearse $(ON_STACK) $(if $(SET),--set "$(SET)") $(if $(KEEP),--keep) $(if $(WHOLE),--whole)

cost:  ## Show what a stack costs, with sources: STACK=prod [JSON=1]
	@$(TOOLS) cost --stack "$(STACK)" $(if $(JSON),--json)

policy:  ## Hold a stack against the policy pack: make policy STACK=dev
	@.venv/bin/python -m guardrails.policy.check --stack "$(STACK)"

preflight:  ## Ask the cloud if a stack could be brought up: STACK [JSON=1]
	@$(TOOLS) preflight --stack "$(STACK)" $(if $(JSON),--json)

drift:  ## Report how the cloud differs from what was deployed: STACK=dev
	@$(TOOLS) drift --stack "$(STACK)" --output "$(OUTPUT)"

leaks:  ## List what is left of a stack in the cloud; fails if any is
	@$(TOOLS) leaks --stack "$(STACK)"

night:  ## Stop GPU nodes by night, start them by day: STACK=dev [NOW=…]
	@$(TOOLS) night --stack "$(STACK)" $(if $(NOW),--now "$(NOW)")

##@ Pull requests

preview-comment:  ## Show what a change does to a stack: STACK=dev [BASE=ref]
	@$(TOOLS) preview-comment --stack "$(STACK)" --base "$(BASE)" --output "$(OUTPUT)"

changed-stacks:  ## List the stacks that a change touches: [BASE=ref]
	@$(TOOLS) changed-stacks --base "$(BASE)" $(if $(JSON),--json)

pr-up:  ## Bring up a pull request's stack for three days: PR=7
	@$(TOOLS) pr-up --pull-request "$(PR)" $(if $(REHEARSAL),--rehearsal) \
		--corpus "$$CUSTOMRAG_MAKE_CORPUS" $(if $(SET),--set "$(SET)")

pr-down:  ## Remove a pull request's stack, prove that none is left: PR=7
	@$(TOOLS) pr-down --pull-request "$(PR)" $(if $(REHEARSAL),--rehearsal)

sweep:  ## Remove pull requests' stacks that outlived their time; NOW=…
	@$(TOOLS) sweep $(if $(PR),--pull-request "$(PR)",--stack cloud) \
		$(if $(REHEARSAL),--rehearsal) $(if $(NOW),--now "$(NOW)")

##@ The code

help:  ## List the targets
	@echo 'Usage: make TARGET [STACK=local] [CORPUS=DIR] [Q="…"] [SERVICE=NAME]'
	@awk -F ':.*## ' '/^##@ / { print "\n" substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  %-16s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:  ## Install what is needed, bring nothing up
	@$(TOOLS) setup

test:  ## Set up and run every check; ARGS="…" goes to pytest
	@$(TOOLS) test -- $(ARGS)

fmt:  ## Format the code
	@.venv/bin/ruff format . && .venv/bin/ruff check --fix .

lint:  ## Check format, lint and types
	@.venv/bin/ruff format --check . && .venv/bin/ruff check . && .venv/bin/mypy

workflows:  ## Check .github/workflows
	@$(PYTHON) -m tools.actionlint

##@ Releases, and what jobs call

release:  ## Make the changelog's unreleased part a version: VERSION=0.2.0
	@$(PYTHON) -m tools.release prepare --version "$(VERSION)"

release-notes:  ## Show what the changelog says of a version: VERSION=0.2.0
	@$(PYTHON) -m tools.release notes --version "$(VERSION)" $(if $(OUTPUT),--output "$(OUTPUT)")

sign-in:  ## Sign a job in to an environment: ENVIRONMENT=dev ROLE=preview
	@.venv/bin/python -m bootstrap.sign_in --environment "$(ENVIRONMENT)" --role "$(ROLE)" \
		--account-id "$(ACCOUNT_ID)"

post-comments:  ## Keep a pull request's comments up to date: FOLDER=… PR=7
	@$(PYTHON) -m tools.github comments --folder "$(FOLDER)" --pull-request "$(PR)" \
		$(if $(STACKS),--stacks "$(STACKS)") $(if $(COMMIT),--commit "$(COMMIT)")

post-report:  ## Keep an issue up to date: FILE=… TITLE=… [CLOSE=1]
	@$(PYTHON) -m tools.github report --file "$(FILE)" --title "$(TITLE)" $(if $(CLOSE),--close)

post-release:  ## Publish a version's notes: FILE=… VERSION=0.2.0
	@$(PYTHON) -m tools.github release --file "$(FILE)" --version "$(VERSION:v%=%)"
